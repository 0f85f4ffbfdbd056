#include "sim/run/groups.h"

#include "asn1/ids.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER "$(number)"
#define IMEI_DIGITS 15

guint
rsp_group_size (const RspYaml *actors, const char *name)
{
    const RspYaml *actor = rsp_yaml_get (actors, name);
    gint64 count = 0;
    if (actor)
        rsp_yaml_opt_int (actor, "count", 1, G_MAXUINT32, &count, NULL);
    return (guint)count;
}

char *
rsp_group_member (const char *group, guint number)
{
    return g_strdup_printf ("%s-%04u", group, number);
}

gboolean
rsp_group_has (const char *group, const char *name)
{
    gsize length = strlen (group);
    return strncmp (group, name, length) == 0 && (!name[length] || name[length] == '-');
}

const RspYaml *
rsp_group_of_member (const RspYaml *actors, const char *name, guint *ret_number)
{
    const char *hyphen = strrchr (name, '-');
    if (!hyphen)
        return NULL;
    g_autofree char *group = g_strndup (name, (gsize)(hyphen - name));
    guint number = (guint)strtoul (hyphen + 1, NULL, 10);
    g_autofree char *member = rsp_group_member (group, number);
    if (!number || number > rsp_group_size (actors, group) || strcmp (member, name) != 0)
        return NULL;
    *ret_number = number;
    return rsp_yaml_get (actors, group);
}

const RspYaml *
rsp_group_declaration (const RspYaml *actors, const char *name, guint *ret_number)
{
    guint number = 0;
    const RspYaml *own = rsp_yaml_get (actors, name);
    const RspYaml *group = rsp_group_of_member (actors, name, &number);
    if (ret_number)
        *ret_number = number;
    return own ? own : group;
}

/* --- what counts up --------------------------------------------------------------------------- */

static gboolean
names_actor (const char *key)
{
    static const char *const keys[] = {"at", "to", "from", "euicc", NULL};
    return g_strv_contains (keys, key);
}

/* $(number) in TEXT replaced; NULL if there is none. (transfer full) */
static char *
numbered (const char *text, guint number)
{
    if (!strstr (text, NUMBER))
        return NULL;
    g_autofree char *digits = g_strdup_printf ("%04u", number);
    g_auto (GStrv) parts = g_strsplit (text, NUMBER, -1);
    return g_strjoinv (digits, parts);
}

/* What stands in place of a scalar's text; NULL: the same. (transfer full) */
static char *
text_of_member (const RspYaml *actors, const RspYaml *node, guint number)
{
    const char *key = node->key ? node->key : "", *text = node->text;
    if (strcmp (key, "eid") == 0 && rsp_eid_valid (text))
        return rsp_eid_nth (text, number - 1);
    /* An IMEI ends in the same check digit as an ICCID. */
    if ((strcmp (key, "iccid") == 0 && rsp_iccid_valid (text) && !strpbrk (text, "Ff")) ||
        (strcmp (key, "imei") == 0 && strspn (text, "0123456789") == IMEI_DIGITS))
        return number == 1 ? NULL : rsp_iccid_nth (text, number - 1);
    if (names_actor (key) && rsp_group_size (actors, text))
        return rsp_group_member (text, number);
    return numbered (text, number);
}

static RspYaml *
copy_head (const RspYaml *node)
{
    RspYaml *copy = g_new0 (RspYaml, 1);
    *copy = *node;
    copy->refs = 0;
    copy->key = g_strdup (node->key);
    copy->text = NULL;
    copy->items = NULL;
    return copy;
}

RspYaml *
rsp_group_instance (const RspYaml *actors, const RspYaml *node, guint number)
{
    if (node->kind == RSP_YAML_SCALAR) {
        char *text = text_of_member (actors, node, number);
        if (!text)
            return rsp_yaml_ref (node);
        RspYaml *copy = copy_head (node);
        copy->text = text;
        return copy;
    }
    gboolean same = TRUE;
    g_autoptr (GPtrArray) items =
        g_ptr_array_new_full (node->items->len, (GDestroyNotify)rsp_yaml_free);
    for (guint i = 0; i < node->items->len; i++) {
        RspYaml *item = rsp_group_instance (actors, node->items->pdata[i], number);
        same = same && item == node->items->pdata[i];
        g_ptr_array_add (items, item);
    }
    if (same)
        return rsp_yaml_ref (node);
    RspYaml *copy = copy_head (node);
    copy->items = g_steal_pointer (&items);
    return copy;
}

/* BASE with what OVER says; neither is changed. (transfer full) */
static RspYaml *
overlay (const RspYaml *base, const RspYaml *over)
{
    if (base->kind != RSP_YAML_MAP || over->kind != RSP_YAML_MAP)
        return rsp_yaml_ref (over);
    RspYaml *out = copy_head (over);
    out->items = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_yaml_free);
    for (guint i = 0; i < base->items->len; i++) {
        const RspYaml *item = base->items->pdata[i], *own = rsp_yaml_get (over, item->key);
        g_ptr_array_add (out->items, own ? overlay (item, own) : rsp_yaml_ref (item));
    }
    for (guint i = 0; i < over->items->len; i++) {
        const RspYaml *item = over->items->pdata[i];
        if (!rsp_yaml_get (base, item->key))
            g_ptr_array_add (out->items, rsp_yaml_ref (item));
    }
    return out;
}

void
rsp_group_resolve_members (RspYaml *actors)
{
    for (guint i = 0; actors->kind == RSP_YAML_MAP && i < actors->items->len; i++) {
        RspYaml *item = actors->items->pdata[i];
        guint number;
        const RspYaml *group = rsp_group_of_member (actors, item->key, &number);
        if (!group || item->kind != RSP_YAML_MAP)
            continue;
        g_autoptr (RspYaml) base = rsp_group_instance (actors, group, number);
        RspYaml *whole = overlay (base, item);
        for (guint k = whole->items->len; k > 0; k--)
            if (strcmp (((RspYaml *)whole->items->pdata[k - 1])->key, "count") == 0)
                g_ptr_array_remove_index (whole->items, k - 1);
        rsp_yaml_free (item);
        actors->items->pdata[i] = whole;
    }
}

guint
rsp_group_of_step (const RspYaml *actors, const RspYaml *step)
{
    static const char *const singly[] = {"ota", "send", "eim", NULL};
    if (step->kind != RSP_YAML_MAP)
        return 0;
    const RspYaml *at = rsp_yaml_get (step, "at"), *to = rsp_yaml_get (step, "to");
    if (rsp_yaml_get (step, "spread"))
        return 0;
    guint n = at ? rsp_group_size (actors, at->text) : 0;
    if (!n && to && to->kind == RSP_YAML_SCALAR && g_strv_contains (singly, step->key))
        n = rsp_group_size (actors, to->text);
    return n;
}
