/* What terminals change in a profile, apart from the package that made it: "uicc/NNNN/KIND/NAME",
 * NNNN the number of the ISD-P. It goes with the profile. */
#include "components/euicc/euicc-internal.h"

#include <string.h>

#define PIN_RECORD 10 /* value, attributes, attempts left */

static char *
key_of (const RspEuiccProfile *p, const char *name)
{
    return g_strdup_printf ("uicc/%04x/%s", p->number, name);
}

GBytes *
rsp_euicc_kept (RspEuicc *card, const char *name)
{
    const RspEuiccProfile *p = rsp_euicc_enabled (card);
    if (!p)
        return NULL;
    g_autofree char *key = key_of (p, name);
    return rsp_nvm_get (card->nvm, key);
}

static void
put (RspEuicc *card, const char *name, RspSlice value)
{
    g_autofree char *key = key_of (rsp_euicc_enabled (card), name);
    g_autoptr (GBytes) bytes = rsp_secret_bytes (value.data, value.len);
    rsp_nvm_put (card->nvm, key, bytes);
}

gboolean
rsp_euicc_keep (RspEuicc *card, const char *name, RspSlice value)
{
    if (!rsp_euicc_enabled (card))
        return FALSE;
    rsp_euicc_begin (card);
    put (card, name, value);
    return rsp_euicc_commit_alone (card);
}

static char *
file_name (const char *kind, const RspUiccFile *file)
{
    g_autofree char *name = rsp_uicc_name (file);
    return g_strconcat (kind, "/", name, NULL);
}

gboolean
rsp_euicc_keep_body (RspEuicc *card, const RspUiccFile *ef, RspSlice body)
{
    g_autofree char *name = file_name ("ef", ef->body->owner);
    return rsp_euicc_keep (card, name, body);
}

gboolean
rsp_euicc_keep_life (RspEuicc *card, const RspUiccFile *file, guint8 lcsi)
{
    g_autofree char *name = file_name ("life", file);
    return rsp_euicc_keep (card, name, RSP_SLICE (&lcsi, 1));
}

static void
put_pin (RspEuicc *card, const RspUiccPin *pin)
{
    guint8 record[PIN_RECORD];
    g_autofree char *name = file_name (pin->puk ? "puk" : "pin", pin->df);
    g_autofree char *full = g_strdup_printf ("%s/%02X", name, pin->reference);
    memcpy (record, pin->value, 8);
    record[8] = pin->attributes;
    record[9] = pin->left;
    put (card, full, RSP_SLICE_ARRAY (record));
    rsp_wipe (record, sizeof record);
}

gboolean
rsp_euicc_keep_pins (RspEuicc *card, const RspUiccPin *one, const RspUiccPin *two)
{
    if (!rsp_euicc_enabled (card))
        return FALSE;
    rsp_euicc_begin (card);
    put_pin (card, one);
    if (two)
        put_pin (card, two);
    return rsp_euicc_commit_alone (card);
}

/* --- Reading back --- */

static void
restore_pin (RspUicc *uicc, const char *name, gboolean puk, RspSlice record)
{
    const char *reference = strrchr (name, '/');
    if (!reference || record.len != PIN_RECORD)
        return;
    g_autofree char *path = g_strndup (name, (gsize)(reference - name));
    RspUiccFile *df = rsp_uicc_by_name (uicc, path);
    guint8 number = (guint8)g_ascii_strtoull (reference + 1, NULL, 16);
    RspUiccPin *pin = df ? rsp_uicc_pin (uicc, df, number, puk) : NULL;
    if (!pin || pin->df != df)
        return;
    memcpy (pin->value, record.data, 8);
    pin->attributes = record.data[8];
    pin->left = MIN (record.data[9], pin->max);
}

static void
restore_file (RspUicc *uicc, const char *name, gboolean life, RspSlice value)
{
    RspUiccFile *file = rsp_uicc_by_name (uicc, name);
    if (!file)
        return;
    if (life && value.len == 1)
        file->lcsi = value.data[0];
    else if (!life && file->body)
        rsp_uicc_set_body (uicc, file, value);
}

void
rsp_euicc_restore (RspEuicc *card, const RspEuiccProfile *p, RspUicc *uicc)
{
    g_autofree char *prefix = key_of (p, "");
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (card->nvm, prefix);
    for (guint i = 0; i < keys->len; i++) {
        const char *key = g_ptr_array_index (keys, i), *kind = key + strlen (prefix);
        const char *name = strchr (kind, '/');
        g_autoptr (GBytes) value = rsp_nvm_get (card->nvm, key);
        RspSlice v = rsp_slice_of (value);
        if (!name)
            continue;
        if (g_str_has_prefix (kind, "pin/") || g_str_has_prefix (kind, "puk/"))
            restore_pin (uicc, name + 1, kind[1] == 'u', v);
        else if (g_str_has_prefix (kind, "ef/") || g_str_has_prefix (kind, "life/"))
            restore_file (uicc, name + 1, kind[0] == 'l', v);
    }
}

void
rsp_euicc_forget (RspEuicc *card, const RspEuiccProfile *p)
{
    g_autofree char *prefix = key_of (p, "");
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (card->nvm, prefix);
    for (guint i = 0; i < keys->len; i++)
        rsp_nvm_delete (card->nvm, g_ptr_array_index (keys, i));
}
