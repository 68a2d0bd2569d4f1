#include "services/gateway/contracts/vms.h"

#include <errno.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/gateway/contracts/vms_impl.h"

/* Who listens at all addresses is reached at none of that name: at loopback, at least. */
static char *
name_of(const char *url)
{
	static const char all[] = "http://0.0.0.0:";
	struct buf name = {0};

	if (strncmp(url, all, strlen(all)) != 0)
		return xstrdup(url);
	buf_puts(&name, "http://127.0.0.1:");
	buf_puts(&name, url + strlen(all));
	return buf_take(&name, NULL);
}

static int
open_door(uv_loop_t *loop, struct vms_door *door, const struct http_route *routes,
	const char *listen, struct err *err)
{
	struct http_options options = {.listen = listen, .routes = routes, .arg = door};

	if (http_open(loop, &options, &door->http, err) < 0)
		return err_wrap(err,
			"the contract 'vms' (--contracts, --vms-listen, --vms-server)");
	door->url = name_of(http_url(door->http));
	return 0;
}

/* "URL" or "URL=NODE". */
static int
open_server(uv_loop_t *loop, struct vms *vms, const char *text, struct err *err)
{
	struct vms_door *door = &vms->servers[vms->n_servers];
	const char *equals = strchr(text, '=');
	CLEANUP(free)
	char *url = equals == NULL ? xstrdup(text) : strndup(text, (size_t)(equals - text));

	*door = (struct vms_door){.vms = vms, .server = (int)vms->n_servers++};
	if (equals != NULL)
		door->node = xstrdup(equals + 1);
	return open_door(loop, door, vms_server_routes, url, err);
}

static int
open_all(uv_loop_t *loop, struct vms *vms, const struct vms_options *options, struct err *err)
{
	static const char *const usual[] = {"http://127.0.0.1:5000", "http://127.0.0.1:5001"};
	size_t n = options->servers->n > 0 ? options->servers->n : 2;
	int rc;

	if (n > VMS_SERVERS_MAX)
		return err_set(err, -EINVAL, "--vms-server: at most %d (VMS_SERVERS_MAX)",
			VMS_SERVERS_MAX);
	rc = open_door(loop, &vms->balancer, vms_balancer_routes, options->listen, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = open_server(loop, vms,
			options->servers->n > 0 ? options->servers->items[i] : usual[i], err);
	return rc;
}

int
vms_open(uv_loop_t *loop, struct site *site, const struct vms_options *options,
	struct vms **ret_vms, struct err *err)
{
	struct vms *vms = xcalloc(1, sizeof *vms);
	int rc;

	vms->site = site;
	vms->image = options->image;
	vms->password = options->password;
	vms->shells = vms_shells_new();
	vms->balancer = (struct vms_door){.vms = vms, .server = -1};
	rc = open_all(loop, vms, options, err);
	if (rc == 0) {
		log_info("gateway.vms", "listen=%s servers=%u", vms->balancer.url, vms->n_servers);
		*ret_vms = vms;
		return 0;
	}
	vms_close(vms);
	*ret_vms = NULL;
	if (rc != -EADDRINUSE || !options->is_optional)
		return rc;
	log_warn("gateway.contract_off", "contract=vms error=\"%s\", the others are served",
		err->text);
	return 0;
}

static void
close_door(struct vms_door *door)
{
	http_close(door->http);
	free(door->url);
	free(door->node);
}

void
vms_close(struct vms *vms)
{
	if (vms == NULL)
		return;
	close_door(&vms->balancer);
	for (unsigned i = 0; i < vms->n_servers; i++)
		close_door(&vms->servers[i]);
	vms_shells_free(vms->shells);
	free(vms);
}

const char *
vms_url(const struct vms *vms, int server)
{
	return server < 0 ? vms->balancer.url : vms->servers[server].url;
}
