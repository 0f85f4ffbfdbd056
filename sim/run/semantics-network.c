/* What a world says of its networks: places, coverage, where devices are. */
#include "sim/core/bytes.h"
#include "sim/run/groups.h"
#include "sim/run/semantics.h"

#include <string.h>

static const RspYaml *
find_place (const RspYaml *world, const char *name)
{
    const RspYaml *network = rsp_yaml_get (world, "network");
    return network ? rsp_yaml_get (rsp_yaml_get (network, "places"), name) : NULL;
}

static gboolean
check_place (const RspYaml *world, const RspYaml *node, GError **error)
{
    if (!node || find_place (world, node->text))
        return TRUE;
    g_autofree char *shown = rsp_escape_text (node->text, -1, 60);
    return rsp_yaml_fail (node, error, "the world's network has no place \"%s\"", shown);
}

static gboolean
check_operators (const RspYaml *world, const RspYaml *list, GError **error)
{
    for (guint i = 0; list && i < list->items->len; i++) {
        const RspYaml *node = list->items->pdata[i];
        const char *role = rsp_world_role (world, node->text);
        if (!role || strcmp (role, "operator") != 0) {
            g_autofree char *shown = rsp_escape_text (node->text, -1, 60);
            return rsp_yaml_fail (node, error, "\"%s\" is no operator of the world", shown);
        }
    }
    return TRUE;
}

gboolean
rsp_semantics_check_network (const RspYaml *world, GError **error)
{
    const RspYaml *network = rsp_yaml_get (world, "network");
    const RspYaml *actors = rsp_yaml_get (world, "actors");
    const RspYaml *places = network ? rsp_yaml_get (network, "places") : NULL;
    for (guint i = 0; places && i < places->items->len; i++)
        if (!check_operators (world, rsp_yaml_get (places->items->pdata[i], "coverage"), error))
            return FALSE;
    for (guint i = 0; i < actors->items->len; i++) {
        const RspYaml *connectivity = rsp_yaml_get (actors->items->pdata[i], "connectivity");
        if (connectivity && !check_place (world, rsp_yaml_get (connectivity, "place"), error))
            return FALSE;
    }
    return TRUE;
}

gboolean
rsp_semantics_check_device (const RspYaml *world, const RspYaml *node, GError **error)
{
    const RspYaml *actor = rsp_group_declaration (rsp_yaml_get (world, "actors"), node->text, NULL);
    if (actor && rsp_yaml_get (actor, "connectivity"))
        return TRUE;
    g_autofree char *shown = rsp_escape_text (node->text, -1, 60);
    return rsp_yaml_fail (node, error, "\"%s\" is no device with connectivity", shown);
}

gboolean
rsp_semantics_check_move (const RspYaml *world, const RspYaml *step, GError **error)
{
    const RspYaml *at = rsp_yaml_get (step, "at");
    if (at && !rsp_semantics_check_device (world, at, error))
        return FALSE;
    return check_place (world, rsp_yaml_get (step, at ? "move" : "place"), error) &&
           check_operators (world, rsp_yaml_get (step, "operators"), error);
}
