# SPDX-License-Identifier: Apache-2.0
# Reads `objdump -dr --no-show-raw-insn OBJECT...` and prints "OBJECT FUNCTION INSTRUCTION" for each instruction that is not
# of x86-64's baseline (SSE2) and not allowed to its file. The variable `allowed` names a file of lines "OBJECT MNEMONICS":
# the object below build/FLAVOUR/, and a regular expression. A compiler for PE leaves the tables of a switch behind the
# function's code: they begin where a lea without a relocation points to, and are not instructions.

BEGIN {
    while ((getline line < allowed) > 0) {
        split(line, part, " ")
        may[part[1]] = "^(" part[2] ")$"
    }
    sse3 = "addsubp[sd]|h(add|sub)p[sd]|lddqu|mov(ddup|sldup|shdup)|fisttp.*|monitor|mwait"
    ssse3 = "pshufb|ph(add|sub)s?[wd]|pmaddubsw|pmulhrsw|psign[bwd]|pabs[bwd]|palignr"
    sse4 = "p?blend.*|pmov[sz]x.*|pinsr[bdq]|pextr[bdq]|extractps|insertps|p(min|max)(sb|sd|uw|ud)|pmul(dq|ld)|ptest|" \
        "round[ps][sd]|dpp[sd]|packusdw|pcmp(eq|gt)q|mpsadbw|phminposuw|movntdqa|pcmp[ei]str[im]|crc32.*|popcnt.*"
    crypto = "aes.*|pclmul.*|sha(1|256).*|gf2p8.*"
    wide = "v[^e].*|k(mov|and|or|xor|xnor|not|unpck|shift|test|add).*"
    bits = "andn|bextr|bls.*|bzhi|lzcnt.*|mulx|pdep|pext|rorx|s(ar|hl|hr)x|adcx|adox|movbe.*"
    rest = "rd(rand|seed|tscp)|x(get|set)bv|xsave.*|xrstor.*|(rd|wr)[fg]sbase|clflushopt|clwb|cmpxchg16b|prefetchw"
    beyond = "^(" sse3 "|" ssse3 "|" sse4 "|" crypto "|" wide "|" bits "|" rest ")$"
    prefix = "^(rep|repn?z|lock|bnd|data16|notrack|rex.*|[c-g]s)$"
}

/file format/ { object = $1; sub(/:$/, "", object); below = object; sub(/^build\/[^\/]*\//, "", below) }
/^Disassembly of section/ { table = "" }
/^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name) }

# A relocation belongs to the instruction before it.
/^\t+[0-9a-f]+: / { lea = "" }

/^ +[0-9a-f]+:\t/ {
    split($0, field, "\t")
    at = sprintf("%16s", substr(field[1], 1, length(field[1]) - 1))
    if (lea != "" && (table == "" || lea < table))
        table = lea
    lea = ""
    if (table != "" && at >= table)
        next
    words = split(field[2], word, " ")
    for (i = 1; i < words && word[i] ~ prefix;)
        i++
    if (word[i] == "lea" && match(field[2], /# [0-9a-f]+ /))
        lea = sprintf("%16s", substr(field[2], RSTART + 2, RLENGTH - 3))
    else if (word[i] ~ beyond && !(below in may && word[i] ~ may[below]))
        print object, name, word[i]
}
