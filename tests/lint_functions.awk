# SPDX-License-Identifier: Apache-2.0
# The figures of functions, counted from the opening to the closing brace in the first column, which is where the house
# style puts them: lists those with more lines than `most`, and, if they are given, a median above `median` and a ninetieth
# percentile above `ninetieth`.
FNR == 1 { begun = 0 }
/^\{/ { begun = FNR }
/^\}/ {
    if (!begun)
        next
    lines = FNR - begun - 1
    if (lines > most)
        print FILENAME ":" begun ": a function of " lines " lines"
    count[lines]++
    functions++
    if (lines > longest)
        longest = lines
    begun = 0
}
# percentile SHARE: so many of a hundred functions have no more lines.
function percentile(share,    lines, seen) {
    for (lines = 0; lines <= longest; lines++) {
        seen += count[lines]
        if (seen * 100 >= functions * share)
            return lines
    }
}
END {
    if (median != "" && percentile(50) > median)
        print "half of " functions " functions have more than " median " lines: the median is " percentile(50)
    if (ninetieth != "" && percentile(90) > ninetieth)
        print "a tenth of " functions " functions has more than " ninetieth " lines: the percentile is " percentile(90)
}
