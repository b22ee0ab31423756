# SPDX-License-Identifier: Apache-2.0
# Lists functions of more than 100 lines, counted from the opening to the closing brace in the first
# column, which is where the house style puts them.
FNR == 1 { begun = 0 }
/^\{/ { begun = FNR }
/^\}/ {
    if (begun && FNR - begun - 1 > 100)
        print FILENAME ":" begun ": a function of " FNR - begun - 1 " lines"
    begun = 0
}
