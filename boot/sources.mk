# SPDX-License-Identifier: Apache-2.0
# The EFI program and its C library. boot/libc is seen by the efi flavour only, as its system
# headers.
BOOT_LIBC_SRCS := boot/libc/string.c boot/libc/stdlib.c
CFLAGS_boot/libc/string.c := -fno-builtin
APP_SRCS  := $(addprefix boot/,main.c app.c crash.c prepare.c observe.c end.c)
BOOT_SRCS := $(BOOT_LIBC_SRCS) $(APP_SRCS) $(addprefix boot/,platform_efi.c workers_efi.c heap.c sections.c \
    cpu_$(ARCH).c traps_$(ARCH).c)
TEST_SRCS_test_heap := boot/heap.c

# Configuration, inventory, screen and line channel.
SCREEN_SRCS := boot/screen_layout.c boot/screen_assessed.c boot/screen_fenced.c boot/screen_table.c boot/screen_grid.c boot/screen_font.c
BOOT_SRCS += $(SCREEN_SRCS) $(addprefix boot/,boot_entries_efi.c config_efi.c fwcfg.c inventory_efi.c screen_efi.c \
    serial_efi.c smbios_efi.c unseen_efi.c)
TEST_SRCS_test_screen := $(SCREEN_SRCS)

COLD_SRCS += $(filter-out $(BOOT_LIBC_SRCS) $(addprefix boot/,heap.c platform_efi.c),$(BOOT_SRCS))

# Blocks of 16 bytes and more are moved by vectors already; what is left of them is not worth more.
LEAN_SRCS += boot/libc/string.c boot/platform_efi.c

# What a machine starts that cannot run the boot program: the command puts both on its media.
build/refuse/bios.bin: boot/refuse/bios.S | build/.setup
	$(call say,AS,$@)mkdir -p $(@D) && $(CLANG) --target=i386-none-elf -c -o $(@:.bin=.o) $< && \
	    ld.lld --oformat=binary -Ttext=0 -e start -o $@ $(@:.bin=.o)
build/refuse/bootia32.efi: boot/refuse/ia32.c | build/.setup
	$(call say,LINK,$@)mkdir -p $(@D) && $(CLANG) --target=i686-unknown-windows \
	    $(patsubst --target=%,,$(filter-out -fgnuc-version=% $(EFI_FLAGS_x86_64) -O2,$(FLAGS_efi))) -mno-sse -mno-mmx -Oz \
	    $(WARN) $(OWN_INC) -isystem /usr/include/efi -isystem /usr/include/efi/ia32 -c -o $(@:.efi=.o) $< && \
	    $(LD_efi) /out:$@ $(@:.efi=.o)
REFUSALS := build/refuse/bios.bin build/refuse/bootia32.efi
CLEAN    += build/refuse
