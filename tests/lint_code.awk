# SPDX-License-Identifier: Apache-2.0
# Prints C sources as FILE:LINE:TEXT with comments and the contents of strings taken out.
FNR == 1 { inside = 0 }
{
    text = $0; out = ""
    while (text != "") {
        if (inside) {
            end = index(text, "*/")
            if (!end) { text = ""; break }
            text = substr(text, end + 2); inside = 0
        } else if (match(text, /\/\*|\/\/|"([^"\\]|\\.)*"|'([^'\\]|\\.)*'/)) {
            out = out substr(text, 1, RSTART - 1)
            token = substr(text, RSTART, 2)
            rest = substr(text, RSTART + RLENGTH)
            if (token == "//") text = ""
            else { if (token == "/*") inside = 1; else out = out "\"\""; text = rest }
        } else { out = out text; text = "" }
    }
    if (out ~ /[^ ]/) print FILENAME ":" FNR ":" out
}
