# SPDX-License-Identifier: Apache-2.0
# Bootferry's build. Every folder lists its sources in a sources.mk. The portable lists make one
# library, compiled once per flavour: efi is freestanding, linux is hosted, asan, fuzz, depth and cov
# are the hosted one with instruments. Objects live in build/FLAVOUR/. V=1 shows the commands.
#
#   make            the programs and the finalizer's VM
#   make check      the tests          make e2e, bench, soak   the long ones
#   make demo       moves a machine    make lint, fuzz, cov    the instruments
#   make install    DESTDIR=, PREFIX=  make clean, distclean

MAKEFLAGS += -rR
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VERSION := 0.1
ARCH    ?= x86_64
EFI     := efi$(if $(filter-out x86_64,$(ARCH)),-$(ARCH))
PREFIX  ?= /usr/local
CC      = gcc
CLANG   ?= clang
CCACHE  ?=
Q       := $(if $(filter 1,$(V)),,@)
say      = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)';)

FOLDERS := third_party base image net drivers migrate boot linux replica finalize qemu tests
-include $(FOLDERS:%=%/sources.mk)

PORTABLE_SRCS := $(BASE_SRCS) $(IMAGE_SRCS) $(NET_SRCS) $(DRIVERS_SRCS) $(MIGRATE_SRCS)
THIRD_SRCS    := $(LWIP_SRCS) $(MBEDTLS_SRCS) $(LZ4_SRCS) $(ZSTD_SRCS) $(BLAKE3_SRCS)
EFI_SRCS      := $(strip $(BOOT_SRCS) $(DRIVERS_EFI_SRCS) $(NET_EFI_SRCS))

# objects of FLAVOUR: $(call objs,$(EFI),$(SRCS)); third-party sources are under build/ themselves
objs = $(addprefix build/$(1)/,$(addsuffix .o,$(basename $(2:build/%=%))))

# ---- Flags -------------------------------------------------------------------------------------

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wpointer-arith -Wundef -Wno-unused-parameter
STD      := -std=gnu11 -g -fno-strict-aliasing -ffunction-sections -fdata-sections
OWN_INC  := -I. -DBF_VERSION='"$(VERSION)"'
HOSTED   := $(STD) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -fstack-protector-strong -pthread
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

FLAGS_linux := $(HOSTED) -O2 -D_FORTIFY_SOURCE=2 -fPIE
# BF_CHECKED lets what base/assert.h states stop the program.
FLAGS_asan  := $(HOSTED) -O1 $(SANITIZE) -DBF_CHECKED
FLAGS_fuzz  := $(HOSTED) -O1 $(SANITIZE) -fsanitize=fuzzer-no-link -DBF_FUZZ -DBF_CHECKED
FLAGS_depth := $(HOSTED) -O0 -fsanitize=fuzzer-no-link -fsanitize-coverage=no-prune -DBF_FUZZ
FLAGS_cov   := $(HOSTED) -O0 -fprofile-instr-generate -fcoverage-mapping
CC_linux    = $(CC)
CC_asan     = $(CLANG)
CC_fuzz     = $(CLANG)
CC_depth    = $(CLANG)
CC_cov      = $(CLANG)
LINK_linux  := -pie -Wl,--gc-sections,-z,relro,-z,now -pthread
LINK_asan   := $(SANITIZE) -pthread
LINK_fuzz   := $(SANITIZE) -fsanitize=fuzzer -pthread
LINK_depth  := -fsanitize=fuzzer -pthread -Wl,--wrap=LLVMFuzzerTestOneInput
LINK_cov    := -fprofile-instr-generate -pthread
HOSTED_FLAVOURS := linux asan fuzz depth cov

# The EFI flavour (build/efi; build/efi-ARCH for another processor): a PE by clang and lld-link.
# clang's predefined names of another system are taken away, since third-party code would branch on
# them, and those by which it recognises a GNU-compatible compiler are put back: without __GNUC__
# mbedTLS falls to 32-bit limbs and no AES-NI, LZ4 and zstd to calls where they want inlining.
EFI_INC          := -isystem /usr/include/efi -isystem /usr/include/efi/$(ARCH) -DGNU_EFI_USE_MS_ABI
EFI_FLAGS_x86_64 := -mno-red-zone
FLAGS_$(EFI) := --target=$(ARCH)-unknown-windows $(STD) -O2 -ffreestanding -nostdlibinc -fshort-wchar \
    -fno-stack-protector -mno-stack-arg-probe -fno-ms-extensions -fno-ident -fgnuc-version=4.2.1 \
    -U_WIN32 -U_WIN64 -U_MSC_VER -U_MSC_EXTENSIONS -isystem boot/libc $(EFI_FLAGS_$(ARCH)) \
    -Wframe-larger-than=8192 # the firmware gives 128 KiB of stack (UEFI 2.10, 2.3.4)
CC_$(EFI) = $(CLANG)
# The boot image has a limit of 1 MiB. What each folder names in COLD_SRCS runs a few times, or once
# per thousands of blocks, and is made small there; what touches each byte or packet is made fast.
# LEAN_SRCS have branches and carries in their loops: unrolled and with vectors they are larger and no faster.
SMALL_$(EFI) := -Oz
LEAN_$(EFI)  := -fno-unroll-loops -fno-vectorize -fno-slp-vectorize
define sized
$(call objs,$(1),$(COLD_SRCS)): private SMALL = $(SMALL_$(1))
$(call objs,$(1),$(LEAN_SRCS)): private SMALL = $(LEAN_$(1))
endef
$(foreach f,$(EFI) $(HOSTED_FLAVOURS),$(eval $(call sized,$(f))))
AR        = ar
LD_efi   := lld-link /subsystem:efi_application /entry:efi_main /nodefaultlib /opt:ref /opt:icf \
    /dynamicbase /nxcompat /largeaddressaware /filealign:4096 /debug:none /brepro

# Which sources may see which third-party headers. A file may need flags of its own: name them in
# CFLAGS_<path of the source>. Everything else sees nothing but this tree.
# They are made anew when a source was unpacked: make looked at its files before that happened.
define sees
$(foreach f,$(EFI) $(HOSTED_FLAVOURS),$(call objs,$(f),$(1))): private SEEN += $(2)
$(foreach f,$(EFI) $(HOSTED_FLAVOURS),$(call objs,$(f),$(1))): build/third_party/.ready
endef
$(eval $(call sees,$(LWIP_USERS) $(LWIP_SRCS) none.c,$(LWIP_INC)))
$(eval $(call sees,$(MBEDTLS_USERS) $(MBEDTLS_SRCS) none.c,$(MBEDTLS_INC)))
$(eval $(call sees,$(LZ4_USERS) $(LZ4_SRCS) none.c,$(LZ4_INC)))
$(eval $(call sees,$(ZSTD_USERS) $(ZSTD_SRCS) none.c,$(ZSTD_INC)))
$(eval $(call sees,$(BLAKE3_USERS) $(BLAKE3_SRCS) none.c,$(BLAKE3_INC)))
$(eval $(call sees,$(LIBCRUX_USERS) none.c,$(LIBCRUX_INC)))
THIRD_INC := $(LWIP_INC) $(MBEDTLS_INC) $(LZ4_INC) $(ZSTD_INC) $(BLAKE3_INC)

# ---- Rules -------------------------------------------------------------------------------------

# What is missing on the machine, and the third-party sources: looked at once, through stamps.
build/.setup: third_party/setup.sh third_party/packages
	$(Q)third_party/setup.sh
	$(Q)mkdir -p build && touch $@
build/third_party/.ready: third_party/fetch.sh third_party/hashes third_party/patches \
    $(wildcard third_party/patches/*.patch) | build/.setup
	$(Q)third_party/fetch.sh
	$(Q)touch $@
$(THIRD_SRCS): | build/third_party/.ready ;

# Objects are made anew when their flavour's compiler or flags, or those of a single file, change.
FILE_FLAGS := $(foreach s,$(sort $(PORTABLE_SRCS) $(THIRD_SRCS) $(EFI_SRCS)),$(and $(CFLAGS_$(s)),$(s) $(CFLAGS_$(s))))
define flavour
FLAVOUR_$(1) := $$(strip $$(CC_$(1)) $$(FLAGS_$(1)) $(WARN) $(OWN_INC) $(FILE_FLAGS) \
    $$(and $$(SMALL_$(1)),$$(SMALL_$(1)) $(COLD_SRCS)) $$(and $$(LEAN_$(1)),$$(LEAN_$(1)) $(LEAN_SRCS)))
ifneq ($$(file <build/$(1)/.flags),$$(FLAVOUR_$(1)))
$$(shell mkdir -p build/$(1))
$$(file >build/$(1)/.flags,$$(FLAVOUR_$(1)))
endif
build/$(1)/third_party/%.o: build/third_party/%.c build/$(1)/.flags | build/third_party/.ready
	$$(call say,CC,$$@)mkdir -p $$(@D) && $(CCACHE) $$(CC_$(1)) $$(FLAGS_$(1)) $$(SMALL) $(THIRD_WARN) $$(OWN_INC) \
	    $$(SEEN) $$(CFLAGS_$$<) -MD -MP -c -o $$@ $$<
build/$(1)/tests/%.o: private SEEN = $(THIRD_INC)
build/$(1)/%.o: %.c build/$(1)/.flags | build/third_party/.ready
	$$(call say,CC,$$@)mkdir -p $$(@D) && $(CCACHE) $$(CC_$(1)) $$(FLAGS_$(1)) $$(SMALL) $(WARN) $$(OWN_INC) \
	    $$(SEEN) $$(CFLAGS_$$<) -MD -MP -c -o $$@ $$<
build/$(1)/libbootferry.a: $$(call objs,$(1),$$(PORTABLE_SRCS) $$(THIRD_SRCS) $(2))
	$$(call say,AR,$$@)mkdir -p $$(@D) && rm -f $$@ && $(3) rcs $$@ $$(filter %.o,$$^)
endef
$(eval $(call flavour,$(EFI),,llvm-ar))
# Hosted flavours are compiled for the processor of the build machine. ARCH names another one for the freestanding library
# only: there are no rules for the others then, and what was compiled for them keeps its flags.
$(foreach f,$(if $(filter x86_64,$(ARCH)),$(HOSTED_FLAVOURS)),$(eval $(call flavour,$(f),$$(LINUX_SRCS),$(AR))))

# Only the EFI program's own sources see the firmware's headers.
EFI_TESTS := $(wildcard tests/efi/*.c)
$(call objs,$(EFI),$(EFI_SRCS) $(EFI_TESTS)): private SEEN += $(EFI_INC)

build/bootferry.efi: $(call objs,$(EFI),$(EFI_SRCS)) build/$(EFI)/libbootferry.a
	$(call say,LINK,$@)$(LD_efi) /map:$(@:.efi=.map) /out:$@ $(filter %.o %.a,$^)

# The tests that run inside the firmware: the platform and the drivers without the program.
$(EFI_TESTS:tests/efi/%.c=build/tests/%.efi): build/tests/%.efi: build/$(EFI)/tests/efi/%.o \
    $(call objs,$(EFI),$(filter-out $(APP_SRCS),$(EFI_SRCS))) build/$(EFI)/libbootferry.a
	$(call say,LINK,$@)mkdir -p $(@D) && $(LD_efi) /out:$@ $(filter %.o %.a,$^)

# A hosted program: $(eval $(call program,NAME,SOURCES,LIBRARIES AND LINK FLAGS))
define program
build/$(1): $(call objs,linux,$(2)) build/linux/libbootferry.a
	$$(call say,LINK,$$@)mkdir -p $$(@D) && $(CC) $(if $(filter -static,$(3)),,$(LINK_linux)) -o $$@ $$(filter %.o %.a,$$^) $(3)
endef
$(eval $(call program,bootferryd,$(BOOTFERRYD_SRCS),$(BOOTFERRYD_LIBS)))
$(eval $(call program,bootferry,$(BOOTFERRY_SRCS),$(BOOTFERRY_LIBS)))
$(eval $(call program,bootferry-push,$(BOOTFERRY_PUSH_SRCS),$(PUSH_LIBS)))
$(eval $(call program,bootferry-finalize,$(FINALIZE_SRCS),$(FINALIZE_LIBS)))

# Programs that tests use: TEST_TOOLS names them, TOOL_SRCS_NAME and TOOL_LIBS_NAME what they are
# made of; they become build/NAME.
$(foreach t,$(TEST_TOOLS),$(eval $(call program,$(t),$(TOOL_SRCS_$(t)),$(TOOL_LIBS_$(t)))))

PROGRAMS := $(addprefix build/,bootferry.efi bootferryd bootferry bootferry-push bootferry-finalize)

.PHONY: all check unit demo lint fuzz cov e2e stories bench soak install clean distclean
all: $(PROGRAMS) $(FINALIZER_VM)

# ---- Tests -------------------------------------------------------------------------------------

# tests/unit/test_NAME.c is a program. It may name further sources in TEST_SRCS_test_NAME, and
# libraries in TEST_LIBS_test_NAME. tests/fuzz/fuzz_NAME.c likewise (FUZZ_SRCS_, FUZZ_LIBS_).
UNIT_TESTS := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
FUZZERS    := $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))

define instrumented
build/$(1)/tests/$(2)/$(3): $(call objs,$(1),tests/$(2)/$(3).c $(4)) build/$(1)/libbootferry.a
	$$(call say,LINK,$$@)mkdir -p $$(@D) && $(CLANG) $(LINK_$(1)) -o $$@ $$(filter %.o %.a,$$^) $(5)
endef
$(foreach t,$(UNIT_TESTS),$(foreach f,asan cov,$(eval $(call \
    instrumented,$(f),unit,$(t),$(TEST_SRCS_$(t)),$(TEST_LIBS_$(t))))))
$(foreach t,$(FUZZERS),$(eval $(call \
    instrumented,fuzz,fuzz,$(t),$(FUZZ_SRCS_$(t)),$(FUZZ_LIBS_$(t)))))
$(foreach t,$(FUZZERS),$(eval $(call \
    instrumented,depth,fuzz,$(t),$(FUZZ_SRCS_$(t)) tests/fuzz_depth.c,$(FUZZ_LIBS_$(t)))))
UNIT_PROGRAMS := $(UNIT_TESTS:%=build/asan/tests/unit/%)
FUZZ_PROGRAMS := $(FUZZERS:%=build/fuzz/tests/fuzz/%)

# The shell becomes the runner, and the runner ends with make, however that ends.
RUN_TESTS := setpriv --pdeathsig TERM tests/run.sh

# What each library's named users are, for the lint.
LINT_ENV = $(foreach l,LWIP MBEDTLS LZ4 ZSTD BLAKE3 LIBCRUX MICROHTTPD,$(l)_USERS='$($(l)_USERS)')

# sources.mk files add scripts to CHECK_MACHINES (those that start virtual machines), CHECK_TESTS, E2E_TESTS,
# BENCH_TESTS and SOAK_TESTS, and what those need to CHECK_DEPS and so on.
check: all build/$(EFI)/libbootferry.a $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS) $(CHECK_DEPS)
	$(Q)exec env $(LINT_ENV) $(RUN_TESTS) -j 2 tests/lint.sh tests/lint_selftest.sh $(UNIT_PROGRAMS) \
	    $(FUZZ_PROGRAMS:%='tests/fuzz.sh 20000 %') -- $(CHECK_MACHINES) -- $(CHECK_TESTS)
unit: $(UNIT_PROGRAMS)
	$(Q)exec $(RUN_TESTS) $(UNIT_PROGRAMS)
fuzz: $(FUZZ_PROGRAMS)
	$(Q)exec $(RUN_TESTS) $(FUZZ_PROGRAMS:%='tests/fuzz.sh $(or $(RUNS),5000000) %')
e2e: all $(E2E_DEPS)
	$(Q)exec $(RUN_TESTS) $(E2E_TESTS)
stories: all $(CHECK_DEPS) $(STORY_DEPS)
	$(Q)exec $(RUN_TESTS) $(STORIES) $(KILLED:%='tests/stories/killed.sh %')
bench: all $(BENCH_DEPS)
	$(Q)third_party/setup.sh third_party/packages.bench
	$(Q)exec $(RUN_TESTS) -v $(BENCH_TESTS)
soak: all $(SOAK_DEPS)
	$(Q)exec $(RUN_TESTS) $(SOAK_TESTS)
cov: $(UNIT_TESTS:%=build/cov/tests/unit/%)
	$(Q)tests/coverage.sh $^
# Circles of calls, and what nobody uses, are found in the objects of every program. The portable
# library must compile for another processor as well. The boot image is measured.
LINT_OBJS = $(call objs,$(EFI),$(EFI_SRCS)) $(call objs,linux,$(BOOTFERRYD_SRCS) $(BOOTFERRY_SRCS) \
    $(BOOTFERRY_PUSH_SRCS) $(FINALIZE_SRCS))
lint: build/$(EFI)/libbootferry.a build/linux/libbootferry.a build/bootferry.efi $(LINT_OBJS) $(LINT_DEPS)
	$(Q)$(MAKE) --no-print-directory ARCH=aarch64 build/efi-aarch64/libbootferry.a
	$(Q)exec env $(LINT_ENV) $(RUN_TESTS) -v tests/lint.sh
demo: all $(DEMO_DEPS)
	$(Q)exec setpriv --pdeathsig TERM $(DEMO)

# ---- Installation ------------------------------------------------------------------------------

BIN   := $(DESTDIR)$(PREFIX)/bin
SHARE := $(DESTDIR)$(PREFIX)/share/bootferry
DOC   := $(DESTDIR)$(PREFIX)/share/doc/bootferry
UNIT  := $(DESTDIR)$(PREFIX)/lib/systemd/system
SYSUSERS := $(DESTDIR)$(PREFIX)/lib/sysusers.d

# Programs on the path; the images that they hand out in share/bootferry. `bootferry init` makes the
# state, so the unit is installed and not enabled.
install: all
	$(Q)install -d $(BIN) $(SHARE)/finalize-vm $(DOC)/docs $(DOC)/licenses $(UNIT)
	$(Q)install -m 755 $(filter-out %.efi,$(PROGRAMS)) $(BIN)
	$(Q)install -m 644 build/bootferry.efi $(SHARE)
	$(Q)install -m 644 $(FINALIZER_VM) $(SHARE)/finalize-vm
	$(Q)install -m 644 README.md LICENSE NOTICE $(DOC)
	$(Q)install -m 644 $(wildcard docs/*.md) $(DOC)/docs
	$(Q)for l in lwip mbedtls lz4 zstd blake3; do \
	    for f in build/third_party/$$l/LICEN[CS]E* build/third_party/$$l/COPYING*; do \
	        [ ! -f $$f ] || install -m 644 $$f $(DOC)/licenses/$$l-$${f##*/}; done; done
	$(Q)sed -n '/^ \* MIT License/,/^ \*\//{ /^ \*\//!s/^ \* \{0,1\}//p }' $(TP)/libcrux/libcrux_mlkem768_sha3.h \
	    >$(DOC)/licenses/libcrux-LICENSE
	$(Q)for f in build/finalize-vm/tree/usr/share/doc/*/copyright; do \
	    p=$${f%/copyright}; install -m 644 $$f $(DOC)/licenses/$${p##*/}; done
	$(Q)install -m 644 build/finalize-vm/packages $(DOC)/licenses/finalize-vm-packages
	$(Q)sed 's|@PREFIX@|$(PREFIX)|g' replica/bootferryd.service >$(UNIT)/bootferryd.service
	$(Q)install -D -m 644 replica/bootferry.sysusers $(SYSUSERS)/bootferry.conf
	$(Q)[ -n '$(DESTDIR)' ] || ! command -v systemd-sysusers >/dev/null || \
	    systemd-sysusers $(SYSUSERS)/bootferry.conf

clean:
	$(Q)rm -rf $(addprefix build/,efi efi-aarch64 $(HOSTED_FLAVOURS) tests test-logs bootferry.map bootferry.sizes) \
	    $(PROGRAMS) $(CLEAN)
distclean:
	$(Q)rm -rf build

-include $(foreach f,$(wildcard $(addprefix build/,$(EFI) $(HOSTED_FLAVOURS))),$(shell \
    find $(f) -name '*.d' -type f))
