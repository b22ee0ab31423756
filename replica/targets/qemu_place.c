// SPDX-License-Identifier: Apache-2.0
// The script `start` and what it tells, see qemu_place.h. The record is in comments at its head:
//
//     # bootferry home: machines/web-1/home-7
//     # bootferry at home: 0 2 variables
#include "replica/targets/qemu_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/state/file.h"
#include "replica/state/reason.h"

enum { SCRIPT_MAX = 4 << 20, UP_MAX = 128 };

#define HOME_LINE "# bootferry home: "
#define DISK_LINE "# bootferry at home: "

static enum bf_err folder_fault(struct bf_fault *fault, const char *path)
{
    int number = errno;
    enum bf_err code = bf_reason_errno(number);

    return bf_fault_set(fault, code, BF_SIDE_SERVER,
                        bf_reason_todo(code, "look at the permissions and the disk of the state"),
                        "the folder %.120s cannot be used: %s", path, strerror(number));
}

// ---- Reading -----------------------------------------------------------------------------------

static bool parse_moved(const char *word, size_t len, const struct bf_tgt_machine *m,
                        struct bf_qemu_place *place)
{
    char number[16];

    if (len == 9 && memcmp(word, "variables", len) == 0)
        return place->vars = true;
    for (uint32_t i = 0; i < m->disks; i++) {
        bf_snprintf(number, sizeof number, "%u", m->disk[i].number);
        if (strlen(number) == len && memcmp(number, word, len) == 0)
            return place->disk[i] = true;
    }
    return false;
}

static bool parse_line(const char *line, size_t len, const struct bf_tgt_machine *m,
                       struct bf_qemu_place *place)
{
    static const size_t home = sizeof HOME_LINE - 1, disks = sizeof DISK_LINE - 1;
    const char *at = line + disks, *word;
    size_t size;

    if (len > home && memcmp(line, HOME_LINE, home) == 0) {
        if (len - home >= sizeof place->home)
            return false;
        memcpy(place->home, line + home, len - home);
        place->home[len - home] = 0;
        return true;
    }
    if (len <= disks || memcmp(line, DISK_LINE, disks) != 0)
        return true;
    while (bf_word_next(&at, line + len, &word, &size))
        if (!parse_moved(word, size, m, place))
            return false;
    return true;
}

bool bf_qemu_place_parse(const char *text, const struct bf_tgt_machine *m,
                         struct bf_qemu_place *place)
{
    struct bf_line line;
    size_t pos = 0;

    memset(place, 0, sizeof *place);
    while (bf_line_next(text, strlen(text), &pos, &line) && line.len && line.at[0] == '#')
        if (!parse_line(line.at, line.len, m, place))
            return false;
    return true;
}

// Adds what a word of the record names.
static bool parse_part(const char *word, size_t len, struct bf_tgt_machine *m)
{
    uint32_t number = 0;

    if (len == 9 && memcmp(word, "variables", len) == 0)
        return m->uefi = true;
    if (len == 0 || len > 5 || m->disks == BF_TGT_DISKS)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (word[i] < '0' || word[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(word[i] - '0');
    }
    m->disk[m->disks++].number = (uint16_t)number;
    return number <= UINT16_MAX;
}

bool bf_qemu_place_machine(const char *text, struct bf_tgt_machine *m)
{
    static const size_t disks = sizeof DISK_LINE - 1;
    struct bf_line line;
    const char *at, *word;
    size_t pos = 0, size;

    while (bf_line_next(text, strlen(text), &pos, &line) && line.len && line.at[0] == '#') {
        if (line.len <= disks || memcmp(line.at, DISK_LINE, disks) != 0)
            continue;
        at = line.at + disks;
        while (bf_word_next(&at, line.at + line.len, &word, &size))
            if (!parse_part(word, size, m))
                return false;
    }
    return m->disks > 0;
}

static enum bf_err read_script(const struct bf_qemu_machine *q, char path[PATH_MAX], uint8_t **text,
                               struct bf_fault *fault)
{
    size_t len;
    enum bf_err err = bf_qemu_path(q, q->folder, BF_QEMU_SCRIPT, path, fault);

    return err ? err : bf_file_read(path, SCRIPT_MAX, text, &len, fault);
}

static enum bf_err unsound(const char *path, struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                        "put its first lines back as they were",
                        "%.120s does not say where the machine's disks are", path);
}

static enum bf_err read_record(struct bf_qemu_machine *q, struct bf_fault *fault)
{
    char path[PATH_MAX];
    uint8_t *text = NULL;
    bool sound;
    enum bf_err err;

    if (faccessat(q->folder, BF_QEMU_SCRIPT, F_OK, 0) != 0)
        return BF_OK; // not made yet
    err = read_script(q, path, &text, fault);
    if (err)
        return err;
    sound = bf_qemu_place_parse((const char *)text, q->tgt->machine, &q->place);
    free(text);
    q->made = true;
    return sound ? BF_OK : unsound(path, fault);
}

enum bf_err bf_qemu_recorded(const struct bf_tgt *tgt, struct bf_tgt_machine *m,
                             struct bf_fault *fault)
{
    struct bf_qemu_machine q = {.tgt = tgt, .home = -1};
    char path[PATH_MAX];
    uint8_t *text = NULL;
    enum bf_err err;

    q.folder = openat(bf_state_dir(tgt->state), tgt->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (q.folder < 0)
        return folder_fault(fault, tgt->folder);
    err = read_script(&q, path, &text, fault);
    if (!err && !bf_qemu_place_machine((const char *)text, m))
        err = unsound(path, fault);
    free(text);
    bf_qemu_shut(&q);
    return err;
}

enum bf_err bf_qemu_open(const struct bf_tgt *tgt, struct bf_qemu_machine *q,
                         struct bf_fault *fault)
{
    int state = bf_state_dir(tgt->state);
    enum bf_err err;

    memset(q, 0, sizeof *q);
    q->tgt = tgt;
    q->home = -1;
    q->folder = openat(state, tgt->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (q->folder < 0)
        return folder_fault(fault, tgt->folder);
    err = read_record(q, fault);
    if (!err && q->place.home[0])
        q->home = openat(state, q->place.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!err && q->home < 0 && bf_qemu_is_home(q) && q->made && q->place.home[0])
        err = folder_fault(fault, q->place.home);
    return err;
}

void bf_qemu_shut(struct bf_qemu_machine *q)
{
    if (q->folder >= 0)
        close(q->folder);
    if (q->home >= 0)
        close(q->home);
    q->folder = q->home = -1;
}

bool bf_qemu_is_home(const struct bf_qemu_machine *q)
{
    const struct bf_tgt_machine *m = q->tgt->machine;

    if (!q->place.home[0])
        return false;
    for (uint32_t i = 0; i < m->disks; i++)
        if (!q->place.disk[i])
            return false;
    return !m->uefi || q->place.vars;
}

enum bf_err bf_qemu_path(const struct bf_qemu_machine *q, int folder, const char *name,
                         char out[PATH_MAX], struct bf_fault *fault)
{
    char link[40], path[PATH_MAX];
    ssize_t len;

    BF_ASSERT(folder >= 0);
    bf_snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = 0;
    if (path[0] == '/' &&
        bf_snprintf(out, PATH_MAX, "%s%s%s", path, name[0] ? "/" : "", name) < PATH_MAX)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_RANGE, BF_SIDE_CONFIG, "move the state to a shorter path",
                        "the path of the folder of %s is too long", q->tgt->machine->name);
}

// ---- Writing -----------------------------------------------------------------------------------

// How the state's folder is called from the job's.
static void way_up(const char *folder, char out[UP_MAX])
{
    size_t n = 0;

    for (const char *c = folder; *c && n + 4 < UP_MAX; c++)
        if (c == folder || (c[-1] == '/' && *c != '/')) {
            memcpy(out + n, "../", 3);
            n += 3;
        }
    out[n] = 0;
}

static void add_record(struct bf_text *out, const struct bf_tgt_machine *m,
                       const struct bf_qemu_place *place)
{
    if (!place->home[0])
        return;
    bf_textf(out, HOME_LINE "%s\n" DISK_LINE, place->home);
    for (uint32_t i = 0; i < m->disks; i++)
        if (place->disk[i])
            bf_textf(out, "%u ", m->disk[i].number);
    bf_text_str(out, place->vars ? "variables\n" : "\n");
}

static void add_head(struct bf_text *out, const struct bf_tgt_machine *m, const char *why)
{
    bf_textf(
        out,
        "#!/bin/sh\n"
        "# Starts the machine %s in its new home, and stays until it is off. By hand: ./start\n"
        "# console: socat -,raw,echo=0,escape=0x1d UNIX-CONNECT:" BF_QEMU_SERIAL
        "   (Ctrl-] leaves it)\n"
        "# screen:  " BF_QEMU_VNC ", for a VNC viewer; control: " BF_QEMU_QMP " (QMP)\n",
        m->name);
    if (why[0])
        bf_textf(out, "# accelerator: %s\n", why);
}

static void plain(char *s)
{
    for (; *s; s++)
        if (*s < ' ' || *s > '~')
            *s = '?';
}

char *bf_qemu_script(const struct bf_tgt *tgt, const struct bf_qemu_place *place, bool at_home,
                     struct bf_fault *fault)
{
    char up[UP_MAX], why[200] = "";
    const char *variables;
    struct bf_qemu_line line = {
        .machine = tgt->machine, .place = place, .state = up, .at_home = at_home};
    bool kvm = false;
    struct bf_args args = {0};
    struct bf_text text = {0};
    char *out = NULL;

    way_up(tgt->folder, up);
    if (bf_qemu_firmware(tgt->machine, &line.code, &variables, fault) ||
        bf_qemu_accelerator(tgt, &kvm, why, sizeof why, fault))
        return NULL;
    line.accel = kvm ? "kvm" : "tcg";
    plain(why);
    bf_qemu_args(&args, &line);
    add_head(&text, tgt->machine, why);
    if (!at_home)
        add_record(&text, tgt->machine, place);
    bf_text_str(&text, "cd -- \"$(dirname -- \"$0\")\" || exit 1\numask 077\nexec ");
    bf_args_shell(&text, &args);
    if (!args.failed && bf_text_ok(&text))
        out = strdup(bf_text_get(&text));
    if (!out)
        bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                     "no memory to write the machine's script");
    bf_args_free(&args);
    bf_text_free(&text);
    return out;
}

static enum bf_err write_script(struct bf_qemu_machine *q, int folder, const char *text,
                                struct bf_fault *fault)
{
    char path[PATH_MAX];
    enum bf_err err = bf_qemu_path(q, folder, BF_QEMU_SCRIPT, path, fault);

    return err ? err : bf_file_replace(path, text, strlen(text), 0700, fault);
}

// The job's script, when all is at home.
static char *leading_home(const struct bf_qemu_machine *q)
{
    struct bf_text text = {0};
    char up[UP_MAX], *out = NULL;
    struct bf_text path = {0};

    way_up(q->tgt->folder, up);
    bf_textf(&path, "%s%s/%s", q->place.home[0] == '/' ? "" : up, q->place.home, BF_QEMU_SCRIPT);
    bf_textf(&text, "#!/bin/sh\n# The machine %s is at home:\n", q->tgt->machine->name);
    add_record(&text, q->tgt->machine, &q->place);
    bf_text_str(&text, "cd -- \"$(dirname -- \"$0\")\" || exit 1\nexec ");
    bf_args_quote(&text, bf_text_get(&path));
    bf_text_str(&text, "\n");
    if (bf_text_ok(&text) && bf_text_ok(&path))
        out = strdup(bf_text_get(&text));
    bf_text_free(&text);
    bf_text_free(&path);
    return out;
}

static enum bf_err write_home(struct bf_qemu_machine *q, struct bf_fault *fault)
{
    char *text = bf_qemu_script(q->tgt, &q->place, true, fault);
    enum bf_err err = text ? write_script(q, q->home, text, fault) : fault->code;

    free(text);
    if (err)
        return err;
    text = leading_home(q);
    err = text ? write_script(q, q->folder, text, fault)
               : bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                              "no memory to write the machine's script");
    free(text);
    return err;
}

enum bf_err bf_qemu_record(struct bf_qemu_machine *q, struct bf_fault *fault)
{
    char *text;
    enum bf_err err;

    if (strpbrk(q->place.home, "\n\r"))
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "name another folder",
                            "the folder's name has a line break");
    if (bf_qemu_is_home(q)) {
        err = write_home(q, fault);
    } else {
        text = bf_qemu_script(q->tgt, &q->place, false, fault);
        err = text ? write_script(q, q->folder, text, fault) : fault->code;
        free(text);
    }
    if (!err)
        q->made = true;
    return err;
}
