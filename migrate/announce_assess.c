// SPDX-License-Identifier: Apache-2.0
// See migrate/announce_assess.h.
#include "migrate/announce_assess.h"

#include "migrate/report.h"

static void send(const struct bf_announcer *a, const struct bf_report *r)
{
    a->line(a->user, bf_report_end(r));
}

static void tell_phase(const struct bf_announcer *a, uint64_t now_us,
                       const struct bf_assess_view *v)
{
    struct bf_report r;

    bf_report_begin(&r, "assess");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "phase", bf_assess_phase_name(v->phase));
    if (v->phase == BF_ASSESS_MAPS || v->phase == BF_ASSESS_DISKS)
        bf_report_u64(&r, "disk", v->found.disk[v->current].number);
    else
        bf_report_text(&r, "server", v->server);
    if (v->phase == BF_ASSESS_WAITING)
        bf_report_text(&r, "what", v->last_fault.what);
    send(a, &r);
}

static void tell_disk(const struct bf_announcer *a, const struct bf_assessed_disk *d)
{
    struct bf_report r;

    bf_report_begin(&r, "assessed-disk");
    bf_report_u64(&r, "number", d->number);
    bf_report_u64(&r, "bytes", d->bytes);
    bf_report_u64(&r, "used", d->used);
    bf_report_u64(&r, "rate", d->rate);
    bf_report_u64(&r, "sampled", d->sampled);
    bf_report_u64(&r, "compressed", d->packed);
    send(a, &r);
}

static void tell_result(const struct bf_announcer *a, uint64_t now_us,
                        const struct bf_assess_view *v)
{
    struct bf_report r;

    for (uint16_t i = 0; i < v->found.disks; i++)
        tell_disk(a, &v->found.disk[i]);
    bf_report_begin(&r, "assessed");
    bf_report_seconds(&r, "t", now_us);
    bf_report_u64(&r, "bytes", v->estimate.bytes);
    bf_report_u64(&r, "used", v->estimate.used);
    bf_report_u64(&r, "link", v->link.link);
    bf_report_u64(&r, "compute", v->found.compute);
    if (v->estimate.first != UINT64_MAX)
        bf_report_u64(&r, "first", v->estimate.first);
    if (v->estimate.later != UINT64_MAX)
        bf_report_u64(&r, "later", v->estimate.later);
    send(a, &r);
}

void bf_announce_assess(struct bf_announcer *a, struct bf_assess_announcer *told, uint64_t now_us,
                        const struct bf_assess_view *v)
{
    if (told->begun && told->phase == v->phase && told->disk == v->current)
        return;
    told->begun = 1;
    told->phase = v->phase;
    told->disk = v->current;
    if (v->phase != BF_ASSESS_DONE)
        tell_phase(a, now_us, v);
    else
        tell_result(a, now_us, v);
}
