#include "tests/lib/cli_world.h"

#include <stdlib.h>

#include "tests/lib/turn.h"

static uint64_t
fixed_now_ms(void)
{
	return CLI_WORLD_NOW_MS;
}

static void
on_call(struct rpc_call *call, void *arg)
{
	struct cli_world *world = arg;
	const char *method = rpc_call_method(call);
	const struct cli_script *line = world->script;
	size_t used = strlen(world->asked);

	while (line->method != NULL && strcmp(line->method, method) != 0)
		line++;
	world->n_calls++;
	(void)snprintf(world->asked + used, sizeof world->asked - used, "%s ", method);
	if (call->request_id != NULL)
		(void)snprintf(world->request_id, sizeof world->request_id, "%s", call->request_id);
	if (line->method == NULL)
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNIMPLEMENTED, NULL,
			"not in the script");
	else
		line->answer(world, call);
	if (world->kept != call)
		rpc_call_send(call);
}

void
cli_world_open(struct cli_world *world, const struct cli_script *script)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
		NULL};
	struct err err = {0};

	memset(world, 0, sizeof *world);
	world->script = script;
	CHECK_EQ(uv_loop_init(&world->loop), 0);
	CHECK_OK(rpc_server_open(&world->loop, "tcp://127.0.0.1:0", services, on_call, world,
			 &world->server, &err),
		&err);
	world->cli.loop = &world->loop;
	world->cli.now_ms = fixed_now_ms;
}

void
cli_world_close(struct cli_world *world)
{
	cli_fini(&world->cli);
	rpc_call_drop(world->kept);
	rpc_server_close(world->server);
	turn_end(&world->loop);
	free(world->out);
	free(world->err);
}

int
cli_world_run(struct cli_world *world, ...)
{
	char *argv[CLI_WORLD_ARGV_MAX] = {"davit", "-H",
		(char *)(uintptr_t)rpc_server_url(world->server)};
	size_t out_size, err_size;
	int argc = 3, code;
	va_list ap;

	va_start(ap, world);
	while (argc < CLI_WORLD_ARGV_MAX - 1 && (argv[argc] = va_arg(ap, char *)) != NULL)
		argc++;
	va_end(ap);
	free(world->out);
	free(world->err);
	world->out = world->err = NULL;
	world->cli.out = open_memstream(&world->out, &out_size);
	world->cli.err = open_memstream(&world->err, &err_size);
	CHECK(world->cli.out != NULL && world->cli.err != NULL);
	code = cli_main(&world->cli, argc, argv);
	(void)fclose(world->cli.out);
	(void)fclose(world->cli.err);
	return code;
}

Davit__Task
cli_world_task(void)
{
	static Davit__PortMapping port = DAVIT__PORT_MAPPING__INIT;
	static Davit__PortMapping *ports[] = {&port};
	static char id[] = "0198c0de-0000-7000-8000-000000000001", name[] = "web", node[] = "n1";
	static char image[] = "nginx", namespace_name[] = "default";
	Davit__Task task = DAVIT__TASK__INIT;

	port.has_container_port = port.has_host_port = 1;
	port.container_port = 80;
	port.host_port = 30001;
	task.id = id;
	task.name = name;
	task.namespace_ = namespace_name;
	task.image = image;
	task.node_name = node;
	task.has_state = task.has_phase = task.has_created_ms = task.has_started_ms = 1;
	task.state = DAVIT__TASK__STATE__RUNNING;
	task.phase = DAVIT__TASK__PHASE__STARTED;
	task.created_ms = CLI_WORLD_NOW_MS - 300000;
	task.started_ms = CLI_WORLD_NOW_MS - 200000;
	task.ports = ports;
	task.n_ports = 1;
	return task;
}
