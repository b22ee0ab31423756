// SPDX-License-Identifier: Apache-2.0
// See signed.h. The rules are those of firmware (UEFI specification 2.10, section 32.5) and of shim
// 16.1 (shim.c, sbat.c): a shim accepts what the firmware's authorities or its own certificate
// signed, and asks every loader, but no kernel that a loader hands to it, for SBAT data.
#include "finalize/boot/signed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "finalize/boot/sbat.h"

#define SECTION_MAX ((size_t)64 << 10)

static bool open_blob(struct bf_fin *f, const char *path, struct bf_blob *b)
{
    size_t len;
    *b = (struct bf_blob){.fd = -1};
    char *real = bf_fin_root_real(f->root, path, NULL);
    const char *pending = real ? bf_edits_pending(&f->edits, real, &len) : NULL;
    free(real);
    if (!pending)
        b->fd = bf_fin_root_open_file(f->root, path, &b->size, NULL);
    else {
        b->bytes = (const unsigned char *)pending;
        b->size = len;
    }
    return b->fd >= 0 || pending;
}

static char *content(const struct bf_blob *b, const struct bf_pe *pe, const char *name, size_t *len)
{
    const struct bf_pe_section *s = bf_pe_find(pe, name);
    return s ? bf_pe_content(b, s, SECTION_MAX, len) : NULL;
}

static bool begins(const char *name, const char *prefix)
{
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static const char *kind_of(const struct bf_pe *pe, const char *name, bool kernel)
{
    if (bf_pe_find(pe, ".linux"))
        return "unified-kernel-image";
    if (kernel)
        return "kernel";
    if (bf_pe_find(pe, ".vendor_cert"))
        return "shim";
    if (bf_pe_find(pe, ".sdmagic"))
        return "systemd-boot";
    if (bf_pe_find(pe, "mods") || begins(name, "grub"))
        return "grub";
    if (begins(name, "fb"))
        return "fallback-loader";
    return begins(name, "mm") || begins(name, "MokManager") ? "mok-manager" : "program";
}

static void read_image(const struct bf_blob *b, const struct bf_pe *pe, bool digest,
                       struct bf_signed *s)
{
    size_t len;
    bf_signatures_read(b, pe, &s->signatures);
    for (size_t i = 0; digest && i < s->signatures.count; i++)
        s->fits = s->fits && bf_signature_fits(b, pe, &s->signatures.item[i]);
    s->sbat = content(b, pe, ".sbat", &s->sbat_len);
    s->level = content(b, pe, ".sbatlevel", &s->level_len);
    char *vendor = content(b, pe, ".vendor_cert", &len);
    if (vendor)
        bf_vendor_read(vendor, len, &s->vendor);
    free(vendor);
}

bool bf_signed_read(struct bf_fin *f, const char *path, bool kernel, bool digest,
                    struct bf_signed *s)
{
    struct bf_blob b;
    struct bf_pe pe;
    *s = (struct bf_signed){.kind = "unknown", .fits = true};
    snprintf(s->path, sizeof s->path, "%s", path);
    const char *slash = strrchr(s->path, '/');
    s->dir = slash ? (size_t)(slash - s->path) : 0;
    if (!open_blob(f, path, &b))
        return false;
    if (!bf_pe_read(&b, &pe)) {
        s->kind = kind_of(&pe, s->path + s->dir + 1, kernel);
        s->machine = pe.machine;
        read_image(&b, &pe, digest, s);
    }
    if (b.fd >= 0)
        close(b.fd);
    return true;
}

void bf_signed_free(struct bf_signed *s)
{
    bf_signatures_free(&s->signatures);
    bf_vendor_free(&s->vendor);
    free(s->sbat);
    free(s->level);
    s->sbat = s->level = NULL;
}

static bool is(const struct bf_signed *s, const char *kind)
{
    return strcmp(s->kind, kind) == 0;
}

// Whether one of the signatures is by somebody who is trusted.
static bool is_trusted(const struct bf_signed *s, const struct bf_signed *shim, const char *own)
{
    for (size_t i = 0; i < s->signatures.count; i++) {
        const struct bf_authenticode *sig = &s->signatures.item[i];
        if (sig->genuine && (sig->authority || (own && strcmp(sig->issuer, own) == 0) ||
                             (shim && bf_vendor_trusts(&shim->vendor, sig))))
            return true;
    }
    return false;
}

static void explain_signer(struct bf_signed *s, const struct bf_signed *shim)
{
    const struct bf_authenticode *sig = &s->signatures.item[0];
    char vendor[BF_SIGNER_NAME] = "";
    if (shim)
        bf_vendor_name(&shim->vendor, vendor, sizeof vendor);
    if (!sig->genuine)
        snprintf(s->why, sizeof s->why, "has a signature that its signer, \"%s\", did not make",
                 sig->signer);
    else if (shim)
        snprintf(s->why, sizeof s->why,
                 "is signed by \"%s\", which the shim does not trust: it trusts \"%s\", and what "
                 "was enrolled with mokutil on the old machine, which does not come along",
                 sig->signer, vendor[0] ? vendor : "nobody besides the firmware");
    else
        snprintf(s->why, sizeof s->why, "is signed by \"%s\", which no firmware trusts by itself",
                 sig->signer);
}

// What SBAT has against it. Firmware compares nothing; a shim does, also with its own data.
static bool is_current(struct bf_signed *s, const struct bf_signed *shim)
{
    struct bf_sbat_line line;
    size_t len = 0;
    const char *level =
        shim && shim->level ? bf_sbat_own_level(shim->level, shim->level_len, &len) : NULL;
    const char *date = s->sbat ? bf_sbat_revoked(s->sbat, s->sbat_len, &line) : NULL;
    if (s->sbat && level && bf_sbat_refuses(level, len, s->sbat, s->sbat_len, &line))
        snprintf(s->why, sizeof s->why,
                 "has %s,%u in its SBAT data, which the shim in front of it refuses itself",
                 line.component, line.generation);
    else if (date)
        snprintf(
            s->why, sizeof s->why,
            "has %s,%u in its SBAT data, which firmware with the revocations of %.4s-%.2s-%.2s "
            "or later refuses",
            line.component, line.generation, date, date + 4, date + 6);
    else if (!s->sbat && is(s, "shim"))
        snprintf(s->why, sizeof s->why,
                 "is a shim without SBAT data, older than 15.3, which firmware with a current list "
                 "of revocations refuses");
    else if (!s->sbat && shim && !is(s, "kernel"))
        snprintf(s->why, sizeof s->why, "has no SBAT data, and shim starts nothing without it");
    return !s->why[0];
}

bool bf_signed_accept(struct bf_signed *s, const struct bf_signed *shim, const char *own)
{
    s->why[0] = 0;
    if (is(s, "unknown"))
        snprintf(s->why, sizeof s->why, "is not an EFI program that can be read");
    else if (s->signatures.damaged)
        snprintf(s->why, sizeof s->why, "has a certificate table that is damaged");
    else if (s->signatures.count == 0)
        snprintf(s->why, sizeof s->why, "is not signed");
    else if (!s->fits)
        snprintf(s->why, sizeof s->why, "was changed after it was signed by \"%s\"",
                 s->signatures.item[0].signer);
    else if (!is_trusted(s, shim, own))
        explain_signer(s, shim);
    return !s->why[0] && is_current(s, shim);
}

static json_t *signatures_json(const struct bf_signed *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->signatures.count; i++) {
        const struct bf_authenticode *sig = &s->signatures.item[i];
        json_t *o = json_pack("{s:s,s:s}", "signer", sig->signer, "issuer", sig->issuer);
        if (sig->authority)
            json_object_set_new(o, "authority", json_string(sig->authority));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *sbat_json(const struct bf_signed *s)
{
    json_t *list = json_array();
    struct bf_sbat_line line;
    char text[BF_SBAT_NAME + 16];
    for (size_t pos = 0; s->sbat && json_array_size(list) < 32 &&
                         bf_sbat_next(s->sbat, s->sbat_len, &pos, &line);) {
        snprintf(text, sizeof text, "%s,%u", line.component, line.generation);
        if (bf_is_utf8(text, strlen(text)))
            json_array_append_new(list, json_string(text));
    }
    return list;
}

json_t *bf_signed_json(const struct bf_signed *s)
{
    char vendor[BF_SIGNER_NAME];
    const char *path = bf_is_utf8(s->path, strlen(s->path)) ? s->path : "?";
    json_t *o = json_pack("{s:s,s:s,s:b}", "path", path, "kind", s->kind, "signed",
                          s->signatures.count > 0);
    if (s->machine)
        json_object_set_new(o, "machine", json_string(bf_pe_machine_name(s->machine)));
    json_object_set_new(o, "signatures", signatures_json(s));
    json_object_set_new(o, "sbat", sbat_json(s));
    bf_vendor_name(&s->vendor, vendor, sizeof vendor);
    if (vendor[0])
        json_object_set_new(o, "trusts", json_string(vendor));
    if (s->why[0])
        json_object_set_new(o, "problem", json_string(s->why));
    return o;
}
