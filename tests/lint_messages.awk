# SPDX-License-Identifier: Apache-2.0
# Prints each statement of C sources that shows a raw number of a library, the firmware or the kernel
# to people: "(-13)", "-0x7280", "EFI error 14", "code 10". Words stand there; the number may go to
# the debug log. A statement ends with a semicolon at the end of a line.
FNR == 1 { statement = ""; first = 0 }
{
    text = $0
    if (text ~ /^[ ]*(\/\/|#)/) next
    if (statement == "") first = FNR
    statement = statement text
    if (text !~ /[;{}]([ ]*\/\/.*)?$/) next
    number = "-?(0x)?%[-#0-9lhzj]*[duxX]"
    if (statement !~ /BF_LOG_DEBUG/ &&
        (statement ~ ("\\(" number "\\)") || statement ~ /0x%|%s:%d/ ||
         statement ~ ("([Ee]rror|errno|[Cc]ode|[Aa]lert|[Ss]tatus|flags):? " number)))
        print FILENAME ":" first ": " statement
    statement = ""
}
