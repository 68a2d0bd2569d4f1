/* Which server stands for which worker. */
#include <string.h>

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "services/gateway/contracts/vms_impl.h"

static int
by_age(const void *a, const void *b)
{
	const Davit__Node *const *left = a, *const *right = b;

	if ((*left)->registered_ms != (*right)->registered_ms)
		return (*left)->registered_ms < (*right)->registered_ms ? -1 : 1;
	return strcmp((*left)->id, (*right)->id);
}

static const Davit__Node *
named(const Davit__ListNodesReply *reply, const char *name)
{
	for (size_t i = 0; i < reply->n_nodes; i++)
		if (strcmp(reply->nodes[i]->name, name) == 0)
			return reply->nodes[i];
	return NULL;
}

static bool
is_named(const struct vms *vms, const char *name)
{
	for (unsigned i = 0; i < vms->n_servers; i++)
		if (vms->servers[i].node != NULL && strcmp(vms->servers[i].node, name) == 0)
			return true;
	return false;
}

void
vms_places_find(const struct vms *vms, const Davit__ListNodesReply *reply,
	struct vms_places *ret_places)
{
	const Davit__Node **others = xcalloc(reply->n_nodes + 1, sizeof(void *));
	size_t n = 0, next = 0;

	for (size_t i = 0; i < reply->n_nodes; i++)
		if (reply->nodes[i]->session > 0 && !is_named(vms, reply->nodes[i]->name))
			others[n++] = reply->nodes[i];
	qsort(others, n, sizeof(void *), by_age);
	*ret_places = (struct vms_places){{NULL}};
	for (unsigned i = 0; i < vms->n_servers; i++) {
		if (vms->servers[i].node != NULL)
			ret_places->nodes[i] = named(reply, vms->servers[i].node);
		else if (next < n)
			ret_places->nodes[i] = others[next++];
	}
	free(others);
}

int
vms_places_server(const struct vms *vms, const struct vms_places *places, const char *node_name)
{
	for (unsigned i = 0; i < vms->n_servers; i++)
		if (places->nodes[i] != NULL && node_name != NULL &&
			strcmp(places->nodes[i]->name, node_name) == 0)
			return (int)i;
	return -1;
}

int
vms_server_find(const struct vms *vms, const char *url)
{
	size_t n = strlen(url);

	n -= n > 0 && url[n - 1] == '/';
	for (unsigned i = 0; i < vms->n_servers; i++)
		if (strlen(vms->servers[i].url) == n && strncmp(vms->servers[i].url, url, n) == 0)
			return (int)i;
	return -1;
}
