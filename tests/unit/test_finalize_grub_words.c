// SPDX-License-Identifier: Apache-2.0
// The rehearsal's reader of GRUB: how a script is cut into words, what quotes and backslashes keep,
// what variables become, and how its conditions, loops and functions run. What each script gives is
// what grub-emu 2.06 gives, where "w" is a function that prints its words.
#include "tests/unit/grub_rig.h"

// ---- Words --------------------------------------------------------------------------------------

static const struct rig_script words[] = {
    {"w", "\n"},
    {"w a", "<a>\n"},
    {"w a b  c", "<a><b><c>\n"},
    {"w\ta\t\tb\t", "<a><b>\n"},
    {"w a\\ b", "<a b>\n"},
    {"w a\\\\b", "<a\\b>\n"},
    {"w \\a\\b", "<ab>\n"},
    {"w \\$x \\\"q\\\"", "<$x><\"q\">\n"},
    {"w a'b'\"c\"d", "<abcd>\n"},
    {"w ''", "<>\n"},
    {"w \"\"", "<>\n"},
    {"w '' \"\" ''", "<><><>\n"},
    {"w 'a\"b'", "<a\"b>\n"},
    {"w \"a'b\"", "<a'b>\n"},
    {"w 'a\\b'", "<a\\b>\n"},
    {"w \"a\\b\"", "<a\\b>\n"},
    {"w \"a\\\\b\"", "<a\\b>\n"},
    {"w \"a\\\"b\"", "<a\"b>\n"},
    {"w \"a\\$b\"", "<a$b>\n"},
    {"w '$x'", "<$x>\n"},
    {"w \"\\x41\"", "<\\x41>\n"},
    {"w 'it'\\''s'", "<it's>\n"},
    {"w a#b", "<a#b>\n"},
    {"w a #b", "<a>\n"},
    {"w a '#b'", "<a><#b>\n"},
    {"w \\#a", "<#a>\n"},
    {"w a;w b", "<a>\n<b>\n"},
    {"w a ; w b", "<a>\n<b>\n"},
    {"w a;", "<a>\n"},
    {"w a\\;b", "<a;b>\n"},
    {"w 'a;b'", "<a;b>\n"},
    {"w a\\{b\\}", "<a{b}>\n"},
    {"w '{a}'", "<{a}>\n"},
    {"w a\\|b", "<a|b>\n"},
    {"w a=b", "<a=b>\n"},
    {"w =", "<=>\n"},
    {"w [ ]", "<[><]>\n"},
    {"w !", "<!>\n"},
    {"w -", "<->\n"},
    {"w --help", "<--help>\n"},
    {"w a\\\nb", "<ab>\n"},
    {"w a \\\n b", "<a><b>\n"},
    {"w \"a\\\nb\"", "<ab>\n"},
    {"w 'a\\\nb'", "<a\\\nb>\n"},
    {"w \"a\nb\"", "<a\nb>\n"},
    {"w 'a\nb'", "<a\nb>\n"},
    {"w \"a\n#b\nc\"", "<a\nc>\n"},
    {"w 'a\n#b\nc'", "<a\nc>\n"},
    {"w a \\\n#b\nw c", "<a><w><c>\n"},
    {"w if then else elif fi", "<if><then><else><elif><fi>\n"},
    {"w for in do done while until", "<for><in><do><done><while><until>\n"},
    {"w function case esac select", "<function><case><esac><select>\n"},
    {"w in", "<in>\n"},
    {"w a\rb", "<ab>\n"},
    {"w a\r\nw b\r\n", "<a>\n<b>\n"},
    {"w a,b:c/d%e@f^g~h", "<a,b:c/d%e@f^g~h>\n"},
    {"w *", "<*>\n"},
    {"w ?", "<?>\n"},
    {"w [a]", "<[a]>\n"},
    {"w a*b", "<a*b>\n"},
    {"w \\*", "<*>\n"},
    {"w ~ +", "<~><+>\n"},
    {"w \"a  b\"  'c  d'", "<a  b><c  d>\n"},
    {"w 0x10 010", "<0x10><010>\n"},
    {"'w' a", "<a>\n"},
    {"\"w\" a", "<a>\n"},
    {"w'' a", "<a>\n"},
    {"\\w a", "<a>\n"},
    {"x=w\n$x a", "<a>\n"},
    {"x='w a'\n$x b", "<a><b>\n"},
    {"x='w a'\n\"$x\" b\nw c", "<c>\n"},
    {"w \"`a`\"", "<`a`>\n"},
    {"w `a`", "<`a`>\n"},
    {"w $\"m\"", "<m>\n"},
    {"w $\"a b\"", "<a b>\n"},
    {"w $'a'", ""},
    {"w \"a\tb\"", "<a\tb>\n"},
    {"w a\tb", "<a><b>\n"},
    {"w (a)", "<(a)>\n"},
    {"w a(b)c", "<a(b)c>\n"},
    {"w ((", "<((>\n"},
    {"  w a", "<a>\n"},
    {"\t\tw a", "<a>\n"},
    {"\n\n\nw a", "<a>\n"},
    {"w a\n\n\nw b", "<a>\n<b>\n"},
    {"#w a\nw b", "<b>\n"},
    {" # w a\nw b", "<b>\n"},
    {"w a # it's \"odd\nw b", "<a>\n<b>\n"},
    {"w 'a' # \\\nw b", "<a>\n<b>\n"},
    {"; w a", ""},
    {"w a ;; w b\nw c", "<c>\n"},
    {"w a &", ""},
    {"w a & w b\nw c", "<c>\n"},
    {"w a | w b\nw c", "<c>\n"},
    {"w a > b\nw c", "<c>\n"},
    {"w a < b\nw c", "<c>\n"},
    {"w \"\\\\\" a", "<\\><a>\n"},
    {"w '\\' a", "<\\><a>\n"},
    {"w \"\\\\\\\"\"", "<\\\">\n"},
    {"w \\\\", "<\\>\n"},
    {"w a\\\tb", "<a\tb>\n"},
    {"w \"$\"\nw b", "<b>\n"},
    {"w $\nw b", "<b>\n"},
    {"w a$\nw b", "<b>\n"},
    {"w $ b\nw c", "<c>\n"},
    {"w \"$ b\"\nw c", "<c>\n"},
};

static void test_words(void)
{
    check_scripts(words, BF_COUNT(words));
}

// ---- Variables ----------------------------------------------------------------------------------

static const struct rig_script variables[] = {
    {"w $nothing", "\n"},
    {"w a$nothing", "<a>\n"},
    {"w \"$nothing\"", "<>\n"},
    {"w a \"\" $nothing b", "<a><><b>\n"},
    {"x=1\nw $x", "<1>\n"},
    {"x=1\nw ${x}", "<1>\n"},
    {"x=1\nw ${x}y $xy", "<1y>\n"},
    {"x=1\nw \"${x}y\" \"$xy\"", "<1y><>\n"},
    {"x=1;w $x", "<1>\n"},
    {"set x=1\nw $x", "<1>\n"},
    {"set x=1 y=2\nw $x $y", "<1>\n"},
    {"set 'x=1 2'\nw $x\nw \"$x\"", "<1><2>\n<1 2>\n"},
    {"set x='1 2'\nw $x", "<1><2>\n"},
    {"set x=\"1 2\"\nw $x", "<1><2>\n"},
    {"x='1 2'\nw \"$x\"", "<1 2>\n"},
    {"x=1 2\nw $x", "<1>\n"},
    {"x=' a  b '\nw $x", "<a><b>\n"},
    {"x=' a  b '\nw -$x-", "<-a><b->\n"},
    {"x=' a  b '\nw \"-$x-\"", "<- a  b ->\n"},
    {"x=' a  b '\nw $x$x", "<a><ba><b>\n"},
    {"x=' '\nw a $x b", "<a><b>\n"},
    {"x=' '\nw a${x}b", "<ab>\n"},
    {"x='a\tb\nc'\nw $x", "<a><b><c>\n"},
    {"x=a\ny=$x$x\nw $y", "<aa>\n"},
    {"x='a b'\ny=$x\nw \"$y\"", "<a>\n"},
    {"x='a b'\nset y=$x\nw \"$y\"", "<a>\n"},
    {"x='a b'\nset y=\"$x\"\nw \"$y\"", "<a b>\n"},
    {"x=a\nx=$x$x\nx=$x$x\nw $x", "<aaaa>\n"},
    {"x=1\nunset x\nw \"$x\"", "<>\n"},
    {"x=1\nset x=\nw \"$x\"", "<>\n"},
    {"x=1\nset x\nw $x $?", "<1><18>\n"},
    {"set =1\nw $?", "<0>\n"},
    {"x==1\nw $x", "<=1>\n"},
    {"x=a=b\nw $x", "<a=b>\n"},
    {"set x=a=b\nw $x", "<a=b>\n"},
    {"x='$y'\ny=1\nw $x \"$x\"", "<$y><$y>\n"},
    {"x='\"a b\"'\nw $x", "<\"a><b\">\n"},
    {"x=a\\ b\nw \"$x\"", "<a b>\n"},
    {"x=\"a\\\\b\"\nw \"$x\" $x", "<a\\b><a\\b>\n"},
    {"x='a;b'\nw $x", "<a;b>\n"},
    {"x='#a'\nw $x", "<#a>\n"},
    {"x='{'\nw $x", "<{>\n"},
    {"x='*'\nw $x", "<*>\n"},
    {"w $1", "\n"},
    {"w \"$@\"", "<>\n"},
    {"w $#", "\n"},
    {"w $*", "\n"},
    {"w ${1} ${#} ${@}", "\n"},
    {"nosuch\nw $?", "<0>\n"},
    {"false\nw $?", "<1>\n"},
    {"true\nw $?", "<0>\n"},
    {"[ a = b ]\nw $?", "<1>\n"},
    {"w ${}\nw b", "<b>\n"},
    {"w ${x\nw b", "<b>\n"},
    {"w ${x y}\nw b", "<b>\n"},
    {"w ${x-y}\nw b", "<b>\n"},
    {"w ${1x}\nw b", "<b>\n"},
    {"w $1x", "<x>\n"},
    {"w \"${x\"\nw b", "<b>\n"},
    {"w \"${\"\nw b", "<b>\n"},
    {"x=1\nw \"$x$x\" '$x'$x", "<11><$x1>\n"},
    {"x=1\nw $x'$x'\"$x\"\\$x", "<1$x1$x>\n"},
    {"x_1=a\nw $x_1 ${x_1}", "<a><a>\n"},
    {"_=a\nw $_", "<a>\n"},
    {"1=a\nw \"$1\"", "<>\n"},
    {"?=7\nw $?", "<0>\n"},
    {"x-y=1\nw ${x-y}", ""},
    {"x.y=1\nw $x.y", "<.y>\n"},
    {"X=1\nx=2\nw $X $x", "<1><2>\n"},
    {"w $\"$x\"", "<>\n"},
    {"x=1\nw $\"a $x\"", "<a 1>\n"},
    {"x='a  b'\nw $\"$x\"", "<a  b>\n"},
    {"x=1\nw $\"\\$x\"", "<$x>\n"},
    {"x=1\nw $\"${x}y\"", "<1y>\n"},
    {"w $\"a\\b\"", "<a\\b>\n"},
    {"w $\"a\\\\b\"", "<a\\b>\n"},
    {"w $\"a\\\"b\"", "<a\"b>\n"},
    {"x=a\nfunction f { x=b; }\nf\nw $x", "<b>\n"},
    {"function f { w $x; }\nx=1\nf", "<1>\n"},
    {"for x in a b; do true; done\nw $x", "<b>\n"},
    {"x=1\nfor x in; do true; done\nw $x", "<1>\n"},
    {"x='a b'\nfor y in $x; do w $y; done", "<a>\n<b>\n"},
    {"x='a b'\nfor y in \"$x\"; do w $y; done", "<a><b>\n"},
    {"x='a b'\nfor y in $x'c d'$x; do w \"$y\"; done", "<a>\n<bc da>\n<b>\n"},
    {"x=\nfor y in $x; do w $y; done", ""},
    {"for y in ''; do w \"$y\"; done", "<>\n"},
    {"x='w a'\neval $x", "<a>\n"},
    {"x='w \"a b\"'\neval \"$x\"", "<a b>\n"},
    {"eval 'x=1;' 'w $x'", "<1>\n"},
    {"eval w '$x'", "\n"},
    {"eval\nw $?", "<0>\n"},
    {"eval 'w a' b", "<a><b>\n"},
    {"eval \"w a\nw b\"", "<a>\n<b>\n"},
    {"eval '('\nw $?", "<0>\n"},
    {"eval if true\nw $?", "<0>\n"},
    {"false\nx=$?\nw $x", "<1>\n"},
    {"x='a'b\"c\"\\d\nw $x", "<abcd>\n"},
    {"x=\"a\nb\"\nw $x\nw \"$x\"", "<a><b>\n<a\nb>\n"},
    {"export x\nw \"$x\" $?", "<><0>\n"},
    {"export x=1\nw \"$x\"", "<>\n"},
};

static void test_variables(void)
{
    check_scripts(variables, BF_COUNT(variables));
}

// ---- Conditions, loops, functions, mistakes -----------------------------------------------------

static const struct rig_script language[] = {
    {"if true; then w a; fi", "<a>\n"},
    {"if false; then w a; fi\nw b", "<b>\n"},
    {"if false; then w a; else w b; fi", "<b>\n"},
    {"if false\nthen w a\nelse\nw b\nfi", "<b>\n"},
    {"if false; then w a; elif true; then w b; fi", "<b>\n"},
    {"if false; then w a; elif false; then w b; else w c; fi", "<c>\n"},
    {"if true; false; then w a; else w b; fi", "<b>\n"},
    {"if false; true; then w a; fi", "<a>\n"},
    {"if true; then w a; elif true; then w b; fi", "<a>\n"},
    {"if nosuch; then w a; else w b; fi", "<a>\n"},
    {"if ! nosuch; then w a; else w b; fi", "<a>\n"},
    {"if ! true; then w a; else w b; fi", "<b>\n"},
    {"if ! false; then w a; fi", "<a>\n"},
    {"if ! ! true; then w a; fi\nw b", "<a>\n<b>\n"},
    {"! true\nw $?", "<1>\n"},
    {"! false\nw $?", "<0>\n"},
    {"!\nw $?", "<18>\n"},
    {"if; then w a; fi\nw b", "<b>\n"},
    {"if true then w a; fi\nw b", "<b>\n"},
    {"if true; then; w a; fi\nw b", "<b>\n"},
    {"if true; then fi\nw b", "<b>\n"},
    {"if true; then w a fi\nfi", "<a><fi>\n"},
    {"if true; then w a; fi w b\nw c", "<c>\n"},
    {"if true; then w a; fi; w b", "<a>\n<b>\n"},
    {"if true; then\n\n# c\n\nw a\n\nfi", "<a>\n"},
    {"while false; do w a; done\nw b", "<b>\n"},
    {"x=\nwhile [ \"$x\" != aa ]; do x=a$x; w $x; done", "<a>\n<aa>\n"},
    {"x=\nuntil [ \"$x\" = aa ]; do x=a$x; w $x; done", "<a>\n<aa>\n"},
    {"until true; do w a; done\nw b", "<b>\n"},
    {"while true; do w a; break; w b; done\nw c", "<a>\n<c>\n"},
    {"for x in a b; do w $x; done", "<a>\n<b>\n"},
    {"for x in a b\ndo w $x\ndone", "<a>\n<b>\n"},
    {"for x in a b do w $x; done\nw c", "<c>\n"},
    {"for x in a b; do; w $x; done\nw c", "<c>\n"},
    {"for x in; do w $x; done\nw b", "<b>\n"},
    {"for x; do w $x; done\nw b", "<b>\n"},
    {"for $x in a; do w b; done\nw c", "<c>\n"},
    {"for 1 in a; do w b; done\nw c", "<c>\n"},
    {"for in in a; do w b; done\nw c", "<c>\n"},
    {"for x in a b c; do if [ $x = b ]; then continue; fi; w $x; done", "<a>\n<c>\n"},
    {"for x in a b c; do if [ $x = b ]; then break; fi; w $x; done", "<a>\n"},
    {"for x in a b; do for y in c d; do w $x$y; continue 2; done; done", "<ac>\n<bc>\n"},
    {"for x in a b; do for y in c d; do w $x$y; break 2; done; done\nw e", "<ac>\n<e>\n"},
    {"for x in a b; do for y in c d; do w $x$y; break 9; done; done\nw e", "<ac>\n<e>\n"},
    {"for x in a; do break 0; w $?; done", "<18>\n"},
    {"for x in a; do break 1 2; w $?; done", "<18>\n"},
    {"break\nw $?", "<0>\n"},
    {"continue\nw $?", "<0>\n"},
    {"for x in a b; do break; done\nw $x $?", "<a><0>\n"},
    {"function f { w f; }\nf", "<f>\n"},
    {"function f\n{\nw f\n}\nf", "<f>\n"},
    {"function f {w f; }\nf", "<f>\n"},
    {"function f { w f }\nw g", "<g>\n"},
    {"function f { }\nw g", "<g>\n"},
    {"function f() { w f; }\nw g", "<g>\n"},
    {"f() { w a; }\nw g", "<g>\n"},
    {"function f { w f; } w g\nw h\nf", "<h>\n<f>\n"},
    {"function f { w f; }; w g\nf", "<g>\n<f>\n"},
    {"function f { w $# $1 $2; }\nf a 'b c'", "<2><a><b><c>\n"},
    {"function f { w \"$@\"; }\nf a 'b c' ''", "<a><b c><>\n"},
    {"function f { w \"$*\"; }\nf a 'b c' ''", "<a b c >\n"},
    {"function f { w $@; }\nf a 'b c' ''", "<a><b><c>\n"},
    {"function f { w $*; }\nf a 'b c' ''", "<a><b><c>\n"},
    {"function f { w -$@-; }\nf a 'b c'", "<-a><b><c->\n"},
    {"function f { w \"-$@-\"; }\nf a 'b c'", "<-a><b c->\n"},
    {"function f { w \"-$*-\"; }\nf a 'b c'", "<-a b c->\n"},
    {"function f { w \"$@\" $#; }\nf", "<><0>\n"},
    {"function f { w $10; }\nf a b c d e f g h i j", "<j>\n"},
    {"function f { w $0; }\nf a", "\n"},
    {"function f { for x in \"$@\"; do w $x; done; }\nf a b", "<a>\n<b>\n"},
    {"function f { shift; w $# $*; }\nf a b c", "<2><b><c>\n"},
    {"function f { shift 2; w $# $*; }\nf a b c", "<1><c>\n"},
    {"function f { shift 3; w $# $*; }\nf a b c", "<0>\n"},
    {"function f { shift 4; w $? $# $*; }\nf a b c", "<18><3><a><b><c>\n"},
    {"function f { shift x; w $? $*; }\nf a b", "<18><a><b>\n"},
    {"function f { shift 0; w $? $*; }\nf a b", "<0><a><b>\n"},
    {"function f { shift; shift; w $? $1; }\nf a b c", "<0><c>\n"},
    {"shift\nw $?", "<0>\n"},
    {"function f { setparams x y; w $# $*; }\nf a", "<2><x><y>\n"},
    {"function f { setparams; w $#; }\nf a", "<0>\n"},
    {"function f { shift; setparams x y; w $*; shift; w $*; }\nf a b", "<x><y>\n<y>\n"},
    {"function f { setparams x; }\nfunction g { f; w $*; }\ng a", "<a>\n"},
    {"function f { return; w a; }\nf\nw $?", "<0>\n"},
    {"function f { return 3; }\nf\nw $?", "<3>\n"},
    {"function f { false; return; }\nf\nw $?", "<1>\n"},
    {"function f { return 300; }\nf\nw $?", "<300>\n"},
    {"function f { return x; w a; }\nf\nw $?", "<a>\n<0>\n"},
    {"function f { return 1 2; w a; }\nf\nw $?", "<a>\n<0>\n"},
    {"return\nw $?", "<18>\n"},
    {"return 2\nw $?", "<18>\n"},
    {"function f { for x in a b; do w $x; return 4; done; w c; }\nf\nw $?", "<a>\n<4>\n"},
    {"function f { while true; do return; done; }\nf\nw a", "<a>\n"},
    {"function f { if true; then return 2; fi; w a; }\nif f; then w b; else w c; fi", "<c>\n"},
    {"function f { break; w a; }\nfor x in a b; do f; w $x; done", "<a>\n<a>\n<a>\n<b>\n"},
    {"function f { continue; w a; }\nfor x in a b; do f; w $x; done", "<a>\n<a>\n<a>\n<b>\n"},
    {"function f { false; }\nf\nw $?", "<1>\n"},
    {"function f { true; }\nfalse\nf\nw $?", "<0>\n"},
    {"function f { nosuch; }\nif f; then w a; fi", "<a>\n"},
    {"function f { w a; }\nfunction f { w b; }\nf", "<b>\n"},
    {"function f { function g { w g; }; }\nf\ng", ""},
    {"function true { w a; }\ntrue", ""},
    {"function f { w a; }\nunset f\nf", "<a>\n"},
    {"function f { eval w '$1'; }\nf a", "<a>\n"},
    {"function f { w $1; g $2; w $1; }\nfunction g { w $1; }\nf a b", "<a>\n<b>\n<a>\n"},
    {"function if { w a; }\nw b", "<b>\n"},
    {"function f.g { w a; }\nw b", "<b>\n"},
    {"function 1f { w a; }\nw b", "<b>\n"},
    {"function 'f' { w a; }\nw b", "<b>\n"},
    {"function $x { w a; }\nw b", "<b>\n"},
    {"w a }\nw b", "<b>\n"},
    {"w a; }\nw b", "<b>\n"},
    {"}\nw b", "<b>\n"},
    {"{ w a; }\nw b", "<b>\n"},
    {"w {\nw b", ""},
    {"w a { true; } b\nw c", "<c>\n"},
    {"fi\nw b", "<b>\n"},
    {"done\nw b", "<b>\n"},
    {"then\nw b", "<b>\n"},
    {"do\nw b", "<b>\n"},
    {"case\nw b", "<b>\n"},
    {"case x in a) w b;; esac\nw c", "<c>\n"},
    {"select x in a; do w b; done\nw c", "<c>\n"},
    {"[[ a ]]\nw b", "<b>\n"},
    {"time w a\nw b", "<b>\n"},
    {"if true; then\nw a\n}\nw b\nfi\nw c", "<b>\n<c>\n"},
    {"for x in a; do\nw b\nfi\nw c", "<c>\n"},
    {"while true; do\nthen\nw a", "<a>\n"},
    {"if true; then w a", ""},
    {"w 'a", ""},
    {"w \"a", ""},
    {"w a\\", ""},
    {"function f {", ""},
    {"w a; w 'b\nw c", ""},
    {"if [ a = a ]; then w a; fi; if [ a = b ]; then w b; else w c; fi", "<a>\n<c>\n"},
    {"false; true; w $?", "<0>\n"},
    {"if true; then false; fi\nw $?", "<1>\n"},
    {"if false; then true; fi\nw $?", "<0>\n"},
    {"for x in a; do false; done\nw $?", "<1>\n"},
    {"while false; do true; done\nw $?", "<1>\n"},
    {"until true; do false; done\nw $?", "<0>\n"},
    {"x=1 w a\nw \"$x\"", "<1>\n"},
    {"x=1 nosuch\nw $x", "<1>\n"},
    {"nosuch=1\nw $nosuch", "<1>\n"},
    {"=1\nw $?", "<0>\n"},
    {"true=1\nw $true", "<1>\n"},
    {"w=1\nw $w", "<1>\n"},
    {"a b=1\nw \"$b\"", "<>\n"},
    {"'x=1'\nw $x", "<1>\n"},
    {"x'='1\nw $x", "<1>\n"},
    {"x=1;y=2;w $x$y", "<12>\n"},
    {"true && w a\nw b", "<b>\n"},
    {"true || w a\nw b", "<b>\n"},
    {"(w a)\nw b", "<b>\n"},
    {"w $(x)\nw b", "<b>\n"},
    {"w a 2>b\nw c", "<c>\n"},
    {"w $((1))\nw b", "<b>\n"},
    {"w ${x:-a}\nw b", "<b>\n"},
};

static void test_language(void)
{
    check_scripts(language, BF_COUNT(language));
}

// ---- Odd and hostile texts ----------------------------------------------------------------------

// GRUB's lines end at a NUL.
static void test_nul_bytes(void)
{
    static const struct {
        const char *script;
        size_t len;
        const char *words;
    } rows[] = {
        {"w a\0 b\nw c\n", 11, "<a>\n<c>\n"},
        {"w 'a\0b'\nw c'\n", 14, "<a\nw c>\n"},
        {"\0w a\nw b\n", 9, "<b>\n"},
        {"w a\\\0\nw b\n", 11, "<aw><b>\n"},
        {"w a\nw b\0", 8, "<a>\n<b>\n"},
        {"w a", 3, "<a>\n"},
        {"\0\0\0\0", 4, ""},
        {"w a\n\xff\xfe\n", 7, "<a>\n"},
        {"w \xc3\xa4\x80\n", 6, "<\xc3\xa4\x80>\n"},
        {"\xef\xbb\xbfw a\nw b\n", 11, "<b>\n"},
        {"", 0, ""},
        {"\n", 1, ""},
        {"\r\r\n", 3, ""},
        {"#", 1, ""},
    };
    for (size_t i = 0; i < BF_COUNT(rows); i++)
        CHECK_STR(words_of_bytes(rows[i].script, rows[i].len), rows[i].words);
}

// `count` times `body` between two texts; the caller frees it.
static char *many(const char *head, const char *body, size_t count, const char *tail)
{
    size_t n = strlen(head), b = strlen(body);
    char *s = malloc(n + b * count + strlen(tail) + 1);
    if (!s)
        abort();
    memcpy(s, head, n);
    for (size_t i = 0; i < count; i++)
        memcpy(s + n + b * i, body, b);
    memcpy(s + n + b * count, tail, strlen(tail) + 1);
    return s;
}

// Texts that are large but allowed: nothing is lost, and what comes after them runs.
static void test_large(void)
{
    static const struct {
        const char *head, *body;
        size_t count;
        const char *tail, *words;
    } rows[] = {
        {"x=", "a", 60000, "\nif [ $x != b ]; then w long; fi\n", "<long>\n"},
        {"x=\"", "a ", 30000, "\"\nif [ \"$x\" != b ]; then w long; fi\n", "<long>\n"},
        {"", "\n", 100000, "w end\n", "<end>\n"},
        {"w a", " ", 200000, "b\n", "<a><b>\n"},
        {"", "# comment\n", 20000, "w end\n", "<end>\n"},
        {"", "w a }\n", 2000, "w end\n", "<end>\n"},
        {"w a", "\\\n", 20000, "b\n", "<ab>\n"},
        {"for x in", " a", 4000, "; do true; done; w $x\n", "<a>\n"},
        {"", "true;", 20000, "\nw end\n", "<end>\n"},
        {"w ", "''", 20000, "\n", "<>\n"},
        {"w ", "$x", 20000, "\n", "\n"},
        {"", "x=a\n", 25000, "w $x\n", "<a>\n"},
        {"if false; then true;", " elif false; then true;", 5000, " else w end; fi\n", "<end>\n"},
        {"w ", "!", 20000, " | true\nw end\n", "<end>\n"},
    };
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        char *s = many(rows[i].head, rows[i].body, rows[i].count, rows[i].tail);
        CHECK_STR(words_of(s), rows[i].words);
        CHECK_EQ(ended, BF_GR_RUNS);
        free(s);
    }
}

// Texts that go past a limit: the run is given up, once, with a doubt that says why.
static void test_limits(void)
{
    static const struct {
        const char *head, *body;
        size_t count;
        const char *tail, *says;
    } rows[] = {
        {"x=", "a", 65537, "\n", "line 1: makes a word of more than 65536 bytes"},
        {"w", " a", 8200, "\n", "line 1: has a command of more than 4096 words"},
        {"", "true\n", 30001, "", "line 30001: runs more than 30000 commands"},
        {"", "if true; then ", 65, "", "line 1: has more than 64 blocks in one another"},
        {"", "while false\ndo\n", 65, "", "line 127: has more than 64 blocks in one another"},
        {"", "menuentry a { ", 65, "", "line 1: has more than 64 blocks in one another"},
        {"", "function f { true; }\n", 513, "", "has more than 512 functions"},
        {"[ ", "( ", 100, "]\n", "line 1: has more than 64 parentheses in one another"},
        {"function f { f; }\n", "f;", 1, "\n", "line 1: calls itself, or others, more than 192"},
        {"function f { g; }\nfunction g { f; }\n", "f", 1, "\n",
         "calls itself, or others, more than 192"},
        {"x='eval \"$x\"'\n", "eval \"$x\"", 1, "\n", "more than 192 times in one another"},
        {"", "while true; do true; done", 1, "\n", "line 1: has a loop that does not end"},
        {"", "until false; do nosuch; done", 1, "\n", "line 1: has a loop that does not end"},
        {"while", " $nothing", 1, "; do $nothing; done\n", "has a loop that does not end"},
        {"x=a\n", "x=$x$x\n", 20, "", "line 17: makes a word of more than 65536 bytes"},
        {"for x in a b c d e f g h; do ", "for x in a b c d e f g h; do ", 5,
         "true; done; done; done; done; done; done\n", "runs more than 30000 commands"},
    };
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        char *s = many(rows[i].head, rows[i].body, rows[i].count, rows[i].tail);
        CHECK_STR(words_of(s), "");
        CHECK(said(BF_TROUBLE_DOUBT, rows[i].says));
        CHECK_EQ(walk.troubles, 1);
        CHECK_EQ(ended, BF_GR_LOST);
        free(s);
    }
}

// What is counted is what runs, not what is written: 64 blocks deep is allowed.
static void test_just_within_limits(void)
{
    char *s = many("", "if true; then ", 63, "w deep");
    char *t = many(s, "; fi", 63, "\nw end\n");
    CHECK_STR(words_of(t), "<deep>\n<end>\n");
    free(s);
    free(t);
    s = many("", "( ", 60, "a");
    t = many(s, " )", 60, "");
    char *u = many("[ ", t, 1, " ]\nw $?\n");
    CHECK_STR(words_of(u), "<0>\n");
    free(s);
    free(t);
    free(u);
}

// Every variable is kept until there are too many.
static void test_variables_without_end(void)
{
    struct bf_text t = {0};
    for (int i = 0; i < 900; i++)
        bf_textf(&t, "v%d=%d\n", i, i);
    bf_text_str(&t, "w $v0 $v450 $v899\n");
    CHECK_STR(words_of(bf_text_get(&t)), "<0><450><899>\n");
    for (int i = 900; i < 2100; i++)
        bf_textf(&t, "v%d=%d\n", i, i);
    bf_text_str(&t, "w lost\n");
    CHECK_STR(words_of(bf_text_get(&t)), "<0><450><899>\n");
    CHECK(said(BF_TROUBLE_DOUBT, "has more variables than"));
    bf_text_free(&t);
}

// A mistake costs its statement, is said once each, and where it is.
static void test_places_of_mistakes(void)
{
    static const struct {
        const char *script;
        unsigned line[3];
    } rows[] = {
        {"w a }\n", {1}},
        {"true\nw a; }\ntrue\n", {2}},
        {"fi\ndone\n}\n", {1, 2, 3}},
        {"# a\n#b\nw $\n", {3}},
        {"if true; then\nw a\n\n}\n", {4}},
        {"w 'a\nb' }\n", {2}},
        {"w a \\\n b }\n", {2}},
        {"function f {\nw a\n} w\nw c {\nw ;;\n}\n", {3, 5, 6}},
        {"for 1 in a; do true; done\n", {1}},
        {"w \"${x\"\n\nw a$\n", {1, 3}},
    };
    for (size_t i = 0; i < BF_COUNT(rows); i++) {
        words_of(rows[i].script);
        size_t n = 0;
        for (char text[64]; n < 3 && rows[i].line[n]; n++) {
            snprintf(text, sizeof text, "line %u: GRUB cannot read this", rows[i].line[n]);
            CHECK(said(BF_TROUBLE_LOOK, text));
        }
        CHECK_EQ(walk.troubles, n);
    }
}

TEST_MAIN(TEST(test_words), TEST(test_variables), TEST(test_language), TEST(test_nul_bytes),
          TEST(test_large), TEST(test_limits), TEST(test_just_within_limits),
          TEST(test_variables_without_end), TEST(test_places_of_mistakes))
