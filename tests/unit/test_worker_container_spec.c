#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <jansson.h>

#include "common/pbjson/pbjson.h"
#include "services/worker/container_spec.h"
#include "tests/lib/test.h"

static struct err err;

/* Compares, pretty-printed and sorted, with a file that GOLDEN=1 writes. */
static void
check_golden(const char *name, const char *body)
{
	char path[128], want[16384] = {0};
	json_error_t error;
	json_t *json = json_loads(body, 0, &error);
	char *got = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);
	FILE *file;

	CHECK(json != NULL);
	(void)snprintf(path, sizeof path, "tests/golden/worker_container_%s.json", name);
	file = fopen(path, getenv("GOLDEN") == NULL ? "re" : "w+e");
	CHECK(file != NULL);
	if (getenv("GOLDEN") != NULL) {
		(void)fputs(got, file);
		(void)fputs("\n", file);
	} else {
		(void)!fread(want, 1, sizeof want - 1, file);
		if (strlen(want) > 0 && want[strlen(want) - 1] == '\n')
			want[strlen(want) - 1] = '\0';
	}
	(void)fclose(file);
	if (getenv("GOLDEN") == NULL)
		CHECK_STR(got, want);
	free(got);
	json_decref(json);
}

static struct worker_container_spec
input(const Davit__TaskSpec *spec)
{
	return (struct worker_container_spec){.spec = spec,
		.task_id = "01890000-0000-7000-8000-000000000001",
		.task_name = "web",
		.attempt = 2,
		.cluster = "c1",
		.node_id = "n1-id",
		.node_name = "n1",
		.machine_cpu_milli = 2000};
}

static char *
body_of(const struct worker_container_spec *in)
{
	char *body = NULL;

	CHECK_OK(worker_container_body(in, &body, &err), &err);
	return body;
}

TEST(worker_container_of_the_smallest_spec_is_as_its_page)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct worker_container_spec in = input(&spec);
	char *body;

	spec.image = (char *)"busybox";
	body = body_of(&in);
	check_golden("small", body);
	free(body);
}

static const char full_spec[] =
	"{'image':'busybox:1','entrypoint':['/bin/sh','-c'],'command':['httpd -f'],"
	"'env':{'DAVIT_TASK_ID':'mine','COLOUR':'blue'},'labels':{'app':'web'},"
	"'working_dir':'/srv','user':'1000:1000','hostname':'box','tty':true,"
	"'cpu':8,'memory':'64MiB','pids_limit':100,'shm_size':'1MiB',"
	"'ulimits':[{'name':'nofile','soft':1024}],'devices':[{'host_path':'/dev/fuse'}],"
	"'networks':[{'name':'front','aliases':['www']}],"
	"'mounts':[{'source':'data','target':'/data','driver':'local',"
	"'driver_options':{'type':'nfs','o':'addr=10.0.0.9,rw','device':':/export'}},"
	"{'type':'BIND','source':'/etc/ssl','target':'/etc/ssl','read_only':true},"
	"{'type':'TMPFS','target':'/tmp','tmpfs_size':'1MiB'},{'target':'/cache'}],"
	"'restart':{'condition':'ON_FAILURE','max_attempts':3},"
	"'healthcheck':{'command':['wget','-q'],'interval':'5s','retries':2},"
	"'stop_signal':'INT','stop_timeout':'2500ms','log_config':{'options':{'max-size':'1m'}},"
	"'cap_add':['NET_ADMIN'],'cap_drop':['CHOWN'],'read_only':true,'no_new_privileges':true,"
	"'privileged':true,'init':true,'security_opt':['seccomp=unconfined'],"
	"'sysctls':{'net.core.somaxconn':'1024'},'extra_hosts':['db:10.0.0.1'],"
	"'dns':['10.0.0.53'],'dns_search':['example.org'],'runtime':'runc',"
	"'disconnect':{'mode':'STOP_AFTER','stop_after':'1m'}}";

static Davit__TaskSpec *
parse_spec(const char *text)
{
	char json[sizeof full_spec];
	ProtobufCMessage *message;
	struct pbjson_err bad;

	(void)snprintf(json, sizeof json, "%s", text);
	for (char *p = json; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	if (pbjson_parse(&davit__task_spec__descriptor, json, strlen(json), &message, &bad) < 0)
		fail_msg("%s: %s", bad.path, bad.err.text);
	return (Davit__TaskSpec *)message;
}

TEST(worker_container_of_a_full_spec_is_as_its_page)
{
	Davit__PortMapping http = DAVIT__PORT_MAPPING__INIT, dns = DAVIT__PORT_MAPPING__INIT;
	Davit__PortMapping *ports[] = {&http, &dns};
	Davit__TaskSpec *spec = parse_spec(full_spec);
	struct worker_container_spec in =
		input(spec); /* its 8 CPUs are more than the machine has */
	char *body;

	http.container_port = 80;
	http.host_port = 30080;
	http.host_address = (char *)"127.0.0.1";
	dns.container_port = 53;
	dns.host_port = 30053;
	dns.protocol = DAVIT__PORT__PROTOCOL__UDP;
	in.ports = ports;
	in.n_ports = 2;
	body = body_of(&in);
	check_golden("full", body);
	free(body);
	davit__task_spec__free_unpacked(spec, NULL);
}

TEST(worker_container_on_the_hosts_network_binds_no_ports)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__NetworkAttachment network = DAVIT__NETWORK_ATTACHMENT__INIT,
				 *networks[] = {&network};
	Davit__PortMapping port = DAVIT__PORT_MAPPING__INIT, *ports[] = {&port};
	struct worker_container_spec in = input(&spec);
	char *body;

	spec.image = (char *)"busybox";
	network.name = (char *)"host";
	spec.networks = networks;
	spec.n_networks = 1;
	port.container_port = port.host_port = 30000;
	in.ports = ports;
	in.n_ports = 1;
	body = body_of(&in);
	CHECK(strstr(body, "PortBindings") == NULL);
	CHECK_HAS(body, "DAVIT_PORT_30000=30000");
	CHECK_HAS(body, "\"NetworkMode\":\"host\"");
	free(body);
}

TEST(worker_container_refuses_what_it_cannot_say)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct worker_container_spec in = input(&spec);
	char *body;

	spec.image = (char *)"bad\xff";
	CHECK_EQ(worker_container_body(&in, &body, &err), -EINVAL);
	CHECK_HAS(err.text, "UTF-8");
}

TEST(worker_container_networks_are_of_their_namespace_and_node)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__NetworkAttachment a = DAVIT__NETWORK_ATTACHMENT__INIT;
	Davit__NetworkAttachment *networks[] = {&a};
	char name[WORKER_NETWORK_NAME_SIZE], *user[] = {(char *)"www"};
	const char *aliases[2];

	a.name = (char *)"front";
	spec.networks = networks;
	spec.n_networks = 1;
	CHECK_STR(worker_network_name(&spec, 0, "n1", name), "davit.default.front.n1");
	CHECK_EQ(worker_network_aliases(&spec, 0, "web", aliases), 1);
	CHECK_STR(aliases[0], "web");
	a.aliases = user;
	a.n_aliases = 1;
	spec.namespace_ = (char *)"blue";
	CHECK_STR(worker_network_name(&spec, 0, "n1", name), "davit.blue.front.n1");
	CHECK_EQ(worker_network_aliases(&spec, 0, "web", aliases), 2);
	a.has_external = a.external = true;
	CHECK_STR(worker_network_name(&spec, 0, "n1", name), "front");
	CHECK_EQ(worker_network_aliases(&spec, 0, "web", aliases), 1);
	a.external = false;
	a.name = (char *)"host";
	CHECK_STR(worker_network_name(&spec, 0, "n1", name), "host");
	CHECK(!worker_network_is_made(&a));
}

TEST(worker_container_keeps_a_log_of_bounded_size_unless_its_spec_says_otherwise)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__LogConfig log = DAVIT__LOG_CONFIG__INIT;
	struct worker_container_spec in = input(&spec);
	char *body;

	spec.image = (char *)"busybox";
	in.log_max_bytes = 1000;
	body = body_of(&in);
	CHECK_HAS(body,
		"{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"500\",\"max-file\":\"2\"}}");
	free(body);
	spec.log_config = &log;
	log.driver = (char *)"journald"; /* has no such options */
	body = body_of(&in);
	CHECK(strstr(body, "max-size") == NULL);
	free(body);
}

TEST(worker_container_disk_is_a_limit_only_where_the_engine_can)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct worker_container_spec in = input(&spec);
	char *body;

	spec.image = (char *)"busybox";
	spec.disk_bytes = 1 << 20;
	spec.gpus = 2;
	body = body_of(&in);
	CHECK(strstr(body, "StorageOpt") == NULL);
	CHECK_HAS(body, "\"DeviceRequests\":[{\"Count\":2,\"Capabilities\":[[\"gpu\"]]}]");
	free(body);
	in.limits_disk = true;
	body = body_of(&in);
	CHECK_HAS(body, "\"StorageOpt\":{\"size\":\"1048576\"}");
	free(body);
}

TEST(worker_container_binds_what_a_path_really_is)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Mount mount = DAVIT__MOUNT__INIT, other = DAVIT__MOUNT__INIT,
		     *mounts[] = {&mount, &other};
	struct worker_container_spec in = input(&spec);
	char *sources[] = {(char *)"/disks/1/data", NULL}, *body;

	spec.image = (char *)"busybox";
	spec.mounts = mounts;
	spec.n_mounts = 2;
	mount.type = other.type = DAVIT__MOUNT__TYPE__BIND;
	mount.target = (char *)"/x";
	mount.source = (char *)"/srv/link";
	other.target = (char *)"/y";
	other.source = (char *)"/srv/plain";
	in.bind_sources = sources;
	body = body_of(&in);
	CHECK_HAS(body, "\"Target\":\"/x\",\"Source\":\"/disks/1/data\"");
	CHECK_HAS(body, "\"Source\":\"/srv/plain\"");
	CHECK(strstr(body, "/srv/link") == NULL);
	free(body);
}
