// SPDX-License-Identifier: Apache-2.0
// The screens. All share a title row, a last row, and the lines about network and events above it;
// in between is what the moment needs: progress, the reason of a failure, or what to do.
#include "boot/screen_layout.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "boot/screen_assessed.h"
#include "boot/screen_fenced.h"
#include "boot/screen_grid.h"
#include "boot/screen_table.h"
#include "migrate/unseen.h"

enum {
    LEFT = BF_SCREEN_LEFT,
    LARGE_ROW = 2,
    LARGE_FACTS = LEFT + 3 * BF_GRID_LARGE_COLUMNS + 3, // beside three large letters
    MACHINE_COLUMN = 30,
    LABEL_COLUMNS = 13,
    EVENT_ROWS = 3,
};

void bf_screen_event(struct bf_screen *screen, const char *text)
{
    char *to = screen->event[screen->events++ % BF_SCREEN_EVENTS];
    size_t n = 0;
    for (; text[n] && n < BF_SCREEN_EVENT_MAX - 1; n++)
        to[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
    to[n] = 0;
}

// ---- Words and numbers -------------------------------------------------------------------------

static const char *phase_words(enum bf_phase phase)
{
    switch (phase) {
    case BF_PHASE_CONNECTING:
        return "CONNECTING";
    case BF_PHASE_WAITING:
        return "WAITING FOR THE SERVER";
    case BF_PHASE_COPYING:
        return "COPYING";
    case BF_PHASE_VERIFYING:
        return "VERIFYING AT THE SERVER";
    case BF_PHASE_REPAIRING:
        return "SENDING DAMAGED PARTS AGAIN";
    case BF_PHASE_DONE:
        return "DONE";
    case BF_PHASE_FAILED:
        return "FAILED";
    }
    return "";
}

static const char *side_words(enum bf_side side)
{
    switch (side) {
    case BF_SIDE_NONE:
        return "not known";
    case BF_SIDE_SOURCE:
        return "this machine";
    case BF_SIDE_NETWORK:
        return "the network between this machine and the server";
    case BF_SIDE_SERVER:
        return "the replica server";
    case BF_SIDE_CONFIG:
        return "the configuration";
    }
    return "not known";
}

static void verified(const struct bf_progress *p, uint64_t *done, uint64_t *total)
{
    *done = *total = 0;
    for (uint32_t i = 0; i < p->disks; i++)
        if (p->disk[i].planned) {
            *done += p->disk[i].verified;
            *total += p->disk[i].bytes;
        }
}

// ---- What all screens share --------------------------------------------------------------------

static void title(const struct bf_screen *s, struct bf_grid *g)
{
    const char *machine =
        s->progress && s->progress->machine[0] ? s->progress->machine : s->machine;
    char elapsed[24];
    uint64_t t = s->elapsed_seconds;
    bf_grid_fill(g, 0, BF_TONE_TITLE);
    bf_grid_putf(g, 0, LEFT, BF_TONE_TITLE, "Bootferry %s", s->version ? s->version : "");
    bf_grid_put(g, 0, MACHINE_COLUMN, BF_TONE_TITLE, machine);
    bf_snprintf(elapsed, sizeof elapsed, "%02u:%02u:%02u", (uint32_t)(t / 3600),
                (uint32_t)(t / 60 % 60), (uint32_t)(t % 60));
    bf_grid_put_right(g, 0, g->columns - LEFT, BF_TONE_TITLE, elapsed);
}

static void last_row(const struct bf_screen *s, struct bf_grid *g)
{
    char used[16], limit[16], memory[48];
    uint32_t row = g->rows - 1u;
    bf_human_bytes(used, sizeof used, s->memory_used);
    bf_human_bytes(limit, sizeof limit, s->memory_limit);
    bf_snprintf(memory, sizeof memory, "memory %s of %s", used, limit);
    if (s->memory_limit)
        bf_grid_put_right(g, row, g->columns - LEFT, BF_TONE_DIM, memory);
    if (s->confirming)
        bf_grid_put(g, row, LEFT, BF_TONE_WARN,
                    "Cancel the migration?  y: yes   any other key: no");
    else if (s->kind == BF_SCREEN_RUNNING || s->looking)
        bf_grid_put(g, row, LEFT, BF_TONE_DIM, "Esc: cancel");
}

static void network_row(const struct bf_screen *s, struct bf_grid *g, uint32_t row)
{
    bf_grid_put(g, row, LEFT, BF_TONE_DIM, "Network");
    if (!s->nic[0]) {
        bf_grid_put(g, row, LEFT + LABEL_COLUMNS, BF_TONE_DIM, "not up yet");
        return;
    }
    uint32_t at = bf_grid_put(g, row, LEFT + LABEL_COLUMNS, BF_TONE_NORMAL, s->nic);
    if (s->link == 0) {
        bf_grid_put(g, row, at, BF_TONE_BAD, "  NO LINK: is the cable in?");
        return; // an address says nothing now
    }
    if (s->link > 0)
        at = bf_grid_put(g, row, at, BF_TONE_GOOD, "  link up");
    bf_grid_putf(g, row, at, s->address[0] ? BF_TONE_NORMAL : BF_TONE_WARN, "  %s",
                 s->address[0] ? s->address : "waiting for an address");
}

// After a failure: all that a network administrator asks for. Returns the row behind it.
static uint32_t network_facts(const struct bf_screen *s, struct bf_grid *g, uint32_t row)
{
    uint32_t text = LEFT + LABEL_COLUMNS, width = g->columns - LEFT - text;
    char facts[256];
    if (!s->nic[0])
        return row;
    bf_grid_put(g, row, LEFT, BF_TONE_DIM, "Network");
    bf_grid_putf(g, row++, text, BF_TONE_NORMAL, "NIC %s, driver %s, %s", s->nic, s->driver,
                 s->link == 0  ? "no link"
                 : s->link > 0 ? "link up"
                               : "link unknown");
    bf_snprintf(facts, sizeof facts, "address %s%s%s, gateway %s, DNS %s",
                s->address[0] ? s->address : "none", s->address6[0] ? ", " : "", s->address6,
                s->gateway[0] ? s->gateway : "none", s->dns[0] ? s->dns : "none");
    return row + bf_grid_wrap(g, row, text, width, 3, BF_TONE_NORMAL, facts);
}

static void server_row(const struct bf_screen *s, struct bf_grid *g, uint32_t row)
{
    const struct bf_progress *p = s->progress;
    bf_grid_put(g, row, LEFT, BF_TONE_DIM, "Server");
    uint32_t at = bf_grid_put(g, row, LEFT + LABEL_COLUMNS, BF_TONE_NORMAL, p->server);
    if (p->phase == BF_PHASE_WAITING || (p->phase == BF_PHASE_CONNECTING && p->last_fault.code))
        bf_grid_putf(g, row, at, BF_TONE_WARN, "  %s", p->last_fault.what);
    else if (p->phase == BF_PHASE_CONNECTING)
        bf_grid_put(g, row, at, BF_TONE_DIM, "  connecting");
    else if (p->connections > 1)
        bf_grid_putf(g, row, at, BF_TONE_DIM, "  connected (%u connections)", p->connections);
    else
        bf_grid_put(g, row, at, BF_TONE_GOOD, "  connected");
}

// Rows that the table leaves over in between go to the events: at the bottom there is never a gap.
static uint32_t event_rows(const struct bf_screen *s, uint32_t between)
{
    uint32_t rows = bf_screen_table_rows(s);
    uint32_t spare = between > rows + 1 ? between - rows - 1 : 0;
    return EVENT_ROWS +
           (spare < BF_SCREEN_EVENTS - EVENT_ROWS ? spare : BF_SCREEN_EVENTS - EVENT_ROWS);
}

// What does not fit ends with two dots, at the margin.
static void event(const struct bf_screen *s, struct bf_grid *g, uint32_t row, uint32_t number,
                  enum bf_tone tone)
{
    char text[BF_SCREEN_EVENT_MAX];
    uint32_t room = g->columns - 2u * LEFT;
    bf_snprintf(text, sizeof text, "%s", s->event[number % BF_SCREEN_EVENTS]);
    if (strlen(text) > room)
        memcpy(text + room - 2, "..", sizeof "..");
    bf_grid_put(g, row, LEFT, tone, text);
}

// The last ones that do not contain `but` ("": all), the newest at the bottom.
static void events(const struct bf_screen *s, struct bf_grid *g, uint32_t row, uint32_t rows,
                   const char *but)
{
    uint32_t kept = s->events < BF_SCREEN_EVENTS ? s->events : BF_SCREEN_EVENTS;
    uint32_t number[BF_SCREEN_EVENTS], shown = 0;
    for (uint32_t i = 1; i <= kept && shown < rows; i++)
        if (!but[0] || !strstr(s->event[(s->events - i) % BF_SCREEN_EVENTS], but))
            number[shown++] = s->events - i;
    for (uint32_t i = 0; i < shown; i++)
        event(s, g, row + i, number[shown - 1 - i], i + 1 == shown ? BF_TONE_NORMAL : BF_TONE_DIM);
}

// ---- The screens -------------------------------------------------------------------------------

static void copy_facts(const struct bf_progress *p, struct bf_grid *g, uint64_t done,
                       uint64_t total)
{
    char a[16], b[16], left[32];
    if (p->limit) {
        bf_human_bytes(a, sizeof a, p->limit);
        bf_grid_putf(g, LARGE_ROW + 1, LARGE_FACTS, BF_TONE_DIM, "at most %s/s on the wire", a);
    }
    bf_human_bytes(a, sizeof a, done);
    bf_human_bytes(b, sizeof b, total);
    bf_grid_putf(g, LARGE_ROW + 2, LARGE_FACTS, BF_TONE_NORMAL, "%s of %s", a, b);
    bf_human_bytes(a, sizeof a, p->rate);
    bf_screen_duration(left, sizeof left, p->eta_seconds);
    if (p->looking.step[0]) {
        char look[96];
        bf_looking_text(look, sizeof look, &p->looking);
        bf_grid_put(g, LARGE_ROW + 3, LARGE_FACTS, BF_TONE_NORMAL, look);
    } else if (p->phase == BF_PHASE_COPYING && p->eta_seconds != UINT64_MAX)
        bf_grid_putf(g, LARGE_ROW + 3, LARGE_FACTS, BF_TONE_BRIGHT, "%s/s, about %s left", a, left);
    else if (p->phase == BF_PHASE_COPYING)
        bf_grid_putf(g, LARGE_ROW + 3, LARGE_FACTS, BF_TONE_NORMAL, "%s/s", a);
    bf_human_bytes(a, sizeof a, p->sent_bytes);
    bf_human_bytes(b, sizeof b, p->read_bytes);
    bf_grid_putf(g, LARGE_ROW + 4, LARGE_FACTS, BF_TONE_NORMAL, "read %s, sent %s", b, a);
    if (p->unreadable_bytes) {
        bf_human_bytes(a, sizeof a, p->unreadable_bytes);
        bf_grid_putf(g, LARGE_ROW + 5, LARGE_FACTS, BF_TONE_BAD, "%s could not be read", a);
    } else if (p->unused_bytes) {
        bf_human_bytes(a, sizeof a, p->unused_bytes);
        bf_grid_putf(g, LARGE_ROW + 5, LARGE_FACTS, BF_TONE_NORMAL, "%s unused, left out", a);
    }
}

static void running(const struct bf_screen *s, struct bf_grid *g)
{
    const struct bf_progress *p = s->progress;
    uint64_t done = p->bytes_position, total = p->bytes_total;
    int trouble = p->phase == BF_PHASE_WAITING;
    char text[8];
    if (p->phase == BF_PHASE_VERIFYING)
        verified(p, &done, &total);
    bf_snprintf(text, sizeof text, done < total ? "%u%%" : "%u", bf_screen_percent(done, total));
    bf_grid_large(g, LARGE_ROW, LEFT, trouble ? BF_TONE_WARN : BF_TONE_BRIGHT, text);
    bf_grid_put(g, LARGE_ROW, LARGE_FACTS, trouble ? BF_TONE_WARN : BF_TONE_BRIGHT,
                phase_words(p->phase));
    copy_facts(p, g, done, total);
    bf_grid_bar(g, LARGE_ROW + 6, LEFT, g->columns - 2u * LEFT, done, total);
    uint32_t rows = event_rows(s, g->rows - 4u - EVENT_ROWS - (LARGE_ROW + 8) - 1u);
    uint32_t tail = g->rows - 4u - rows;
    bf_screen_table(s, g, LARGE_ROW + 8, tail - (LARGE_ROW + 8) - 1);
    network_row(s, g, tail);
    server_row(s, g, tail + 1);
    events(s, g, tail + 2, rows, "");
}

static void starting(const struct bf_screen *s, struct bf_grid *g)
{
    const struct bf_inventory *inventory = s->inventory;
    uint32_t rows = event_rows(s, g->rows - 3u - EVENT_ROWS - (LARGE_ROW + 4) - 1u);
    uint32_t tail = g->rows - 3u - rows;
    bf_grid_put(g, LARGE_ROW, LEFT, BF_TONE_BRIGHT, s->assess ? "ASSESSING" : "STARTING");
    bf_grid_put(g, LARGE_ROW, LEFT + LABEL_COLUMNS, BF_TONE_NORMAL, s->step);
    if (inventory) {
        char memory[16], help[24] = "";
        bf_human_bytes(memory, sizeof memory, inventory->memory_bytes);
        if (s->workers)
            bf_snprintf(help, sizeof help, " (%u worker%s)", s->workers, bf_plural(s->workers));
        bf_grid_putf(g, LARGE_ROW + 2, LEFT, BF_TONE_NORMAL, "%s %s, %u processor%s%s, %s",
                     inventory->system_vendor, inventory->system_product, inventory->processors,
                     bf_plural(inventory->processors), help, memory);
    }
    bf_screen_table(s, g, LARGE_ROW + 4, tail - (LARGE_ROW + 4) - 1);
    network_row(s, g, tail);
    events(s, g, tail + 1, rows, "");
}

static void what_next(const struct bf_screen *s, struct bf_grid *g, uint32_t row)
{
    char left[32];
    if (!s->next)
        return;
    bf_screen_duration(left, sizeof left, s->countdown);
    if (s->countdown == UINT32_MAX)
        bf_grid_putf(g, row, LEFT, BF_TONE_BRIGHT, "This screen stays. Next: %s.", s->next);
    else if (s->countdown)
        bf_grid_putf(g, row, LEFT, BF_TONE_BRIGHT, "Next: %s, in %s.", s->next, left);
    else
        bf_grid_putf(g, row, LEFT, BF_TONE_BRIGHT, "Next: %s, now.", s->next);
}

// What the point lacks; returns the row behind it.
static uint32_t shortcomings(const struct bf_screen *s, struct bf_grid *g, uint32_t row)
{
    const struct bf_progress *p = s->progress;
    uint32_t unknown = s->inventory ? bf_unseen_unknown(s->inventory) : 0;
    char unread[16];
    if (p && p->unreadable_bytes) {
        bf_human_bytes(unread, sizeof unread, p->unreadable_bytes);
        bf_grid_putf(g, row++, LEFT, BF_TONE_BAD,
                     "%s could not be read; it is zero in the copy, and listed in the point.",
                     unread);
    }
    if (unknown == 1)
        bf_grid_put(g, row++, LEFT, BF_TONE_WARN,
                    "The point may lack data of a controller or disk that could not be read.");
    else if (unknown)
        bf_grid_putf(g, row++, LEFT, BF_TONE_WARN,
                     "The point may lack data of %u controllers or disks that could not be read.",
                     unknown);
    return row;
}

static void success(const struct bf_screen *s, struct bf_grid *g)
{
    const struct bf_progress *p = s->progress;
    uint32_t tail = g->rows - 3u, row = LARGE_ROW + 9;
    bf_grid_large(g, LARGE_ROW, LEFT, BF_TONE_GOOD, "DONE");
    if (p) {
        char read[16], sent[16], unused[16], digest[65];
        bf_human_bytes(read, sizeof read, p->read_bytes);
        bf_human_bytes(sent, sizeof sent, p->sent_bytes);
        bf_human_bytes(unused, sizeof unused, p->unused_bytes);
        bf_hex(digest, p->point_root.bytes, sizeof p->point_root.bytes);
        bf_grid_putf(g, LARGE_ROW + 6, LEFT, BF_TONE_GOOD,
                     "Recovery point %u of %s is verified and committed at the server.", p->point,
                     p->machine);
        bf_grid_putf(g, LARGE_ROW + 7, LEFT, BF_TONE_NORMAL,
                     p->unused_bytes ? "Read %s, sent %s; %s was unused." : "Read %s, sent %s.",
                     read, sent, unused);
        bf_grid_putf(g, LARGE_ROW + 8, LEFT, BF_TONE_DIM, "digest %s", digest);
    }
    row = shortcomings(s, g, row) + 1;
    bf_screen_table(s, g, row, tail - row - 1);
    what_next(s, g, tail);
}

// "the replica server (auth)": the code where it says more than the side.
static void at_fault(struct bf_grid *g, uint32_t row, uint32_t column, const struct bf_fault *f)
{
    const char *code = bf_err_name(f->code);
    int same = strcmp(code, bf_side_name(f->side)) == 0;
    bf_grid_putf(g, row, column, BF_TONE_BRIGHT, "%s%s%s%s", side_words(f->side), same ? "" : " (",
                 same ? "" : code, same ? "" : ")");
}

static void failure(const struct bf_screen *s, struct bf_grid *g)
{
    static const struct bf_fault unknown = {.what = "the reason is not known"};
    const struct bf_fault *f = s->fault ? s->fault : &unknown;
    uint32_t text = LEFT + LABEL_COLUMNS, width = g->columns - LEFT - text;
    uint32_t row = LARGE_ROW + 6, tail = g->rows - 5u;
    char what[64]; // of which a line of the log may have the beginning only
    bf_snprintf(what, sizeof what, "%s", f->what);
    bf_grid_large(g, LARGE_ROW, LEFT, BF_TONE_BAD, "FAILED");
    bf_grid_put(g, row, LEFT, BF_TONE_DIM, "At fault");
    at_fault(g, row, text, f);
    row += 1;
    bf_grid_put(g, row, LEFT, BF_TONE_DIM, "What");
    row += bf_grid_wrap(g, row, text, width, 3, BF_TONE_BAD, f->what) + 1;
    bf_grid_put(g, row, LEFT, BF_TONE_DIM, "What to do");
    row += bf_grid_wrap(g, row, text, width, 3, BF_TONE_BRIGHT, f->todo);
    row += tail > row + 6; // a blank row where there is room for three disks all the same
    row = network_facts(s, g, row) + 1;
    bf_screen_table(s, g, row, row < tail ? tail - row : 0);
    what_next(s, g, tail);
    bf_grid_put(g, tail + 1, LEFT, BF_TONE_DIM,
                "The disks of this machine were only read; nothing on them was changed.");
    events(s, g, tail + 2, g->rows - tail - 3u, what);
    if (strchr(f->todo, '=') && !strstr(f->todo, "--set"))
        bf_grid_put(g, g->rows - 1u, LEFT, BF_TONE_DIM,
                    "Set keys with: bootferry media --set KEY=VALUE");
}

static void no_config(const struct bf_screen *s, struct bf_grid *g)
{
    static const char *const lines[] = {
        "This medium carries no configuration, so nothing has been done.",
        "",
        "On the replica server, make a medium for this machine and boot it again:",
        "",
        "    bootferry machine add NAME",
        "    bootferry media NAME --iso NAME.iso        a CD, or a USB stick (dd)",
        "    bootferry media NAME --fat NAME.img        a disk image",
        "    bootferry media NAME --pxe DIR             network boot",
        "",
        "The disks of this machine have not been touched.",
    };
    uint32_t tail = g->rows - 3u - EVENT_ROWS;
    bf_grid_put(g, LARGE_ROW, LEFT, BF_TONE_WARN, "NO CONFIGURATION");
    for (uint32_t i = 0; i < BF_COUNT(lines); i++)
        bf_grid_put(g, LARGE_ROW + 2 + i, LEFT, BF_TONE_NORMAL, lines[i]);
    what_next(s, g, tail);
    events(s, g, tail + 2, EVENT_ROWS - 1, "");
}

static uint16_t clamp(uint32_t v, uint32_t low, uint32_t high)
{
    return (uint16_t)(v < low ? low : v > high ? high : v);
}

void bf_screen_render(const struct bf_screen *screen, struct bf_grid *grid)
{
    grid->columns = clamp(grid->columns, BF_SCREEN_MIN_COLUMNS, BF_SCREEN_MAX_COLUMNS);
    grid->rows = clamp(grid->rows, BF_SCREEN_MIN_ROWS, BF_SCREEN_MAX_ROWS);
    bf_grid_clear(grid);
    title(screen, grid);
    switch (screen->kind) {
    case BF_SCREEN_STARTING:
        starting(screen, grid);
        break;
    case BF_SCREEN_RUNNING:
        (screen->progress ? running : starting)(screen, grid);
        break;
    case BF_SCREEN_SUCCESS:
        success(screen, grid);
        break;
    case BF_SCREEN_ASSESSED:
        bf_screen_assessed(screen, grid, grid->rows - 4u);
        what_next(screen, grid, grid->rows - 3u);
        break;
    case BF_SCREEN_FAILURE:
        failure(screen, grid);
        break;
    case BF_SCREEN_FENCED:
        bf_screen_fenced(screen, grid);
        what_next(screen, grid, grid->rows - 3u);
        break;
    case BF_SCREEN_NO_CONFIG:
        no_config(screen, grid);
        break;
    }
    last_row(screen, grid);
}
