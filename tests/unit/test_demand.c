#include "services/scheduler/demand.h"

#include "services/scheduler/limits.h"
#include "tests/unit/scene_fixture.h"

TEST(demand_clamps_what_no_node_can_have)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;

	scene_init(&scene, fixture, 10);
	(void)scene_seek(&scene, fixture_task(fixture, "t", UINT64_MAX, UINT64_MAX));
	CHECK_EQ(scene.demand.want.amounts.cpu_milli, PLACE_CPU_MILLI_MAX + 1);
	CHECK_EQ(scene.demand.want.amounts.memory_bytes, PLACE_MEMORY_BYTES_MAX + 1);
}

TEST(demand_counts_each_port_once_and_adds_up_devices)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	Davit__DeviceCount device = DAVIT__DEVICE_COUNT__INIT, *devices[] = {&device};
	char kind[] = "gpu";

	scene_init(&scene, fixture, 10);
	fixture_port(fixture, spec, 8080);
	fixture_port(fixture, spec, 53); /* tcp and udp: one port here */
	fixture_port(fixture, spec, 53);
	fixture_port(fixture, spec, 0);
	device.kind = kind;
	spec->device_requests = devices;
	spec->n_device_requests = 1;
	spec->gpus = 2;
	(void)scene_seek(&scene, spec);
	CHECK_EQ(scene.demand.want.n_ports, 2);
	CHECK_EQ(scene.demand.want.ports[0], 53);
	CHECK_EQ(scene.demand.want.n_dynamic_ports, 1);
	CHECK_EQ(scene.demand.want.n_devices, 1);
	CHECK_EQ(scene.demand.want.devices[0].n, 3);
	CHECK(!demand_needs_groups(&scene.demand));
	spec->max_per_node = 1;
	CHECK(demand_needs_groups(&scene.demand));
}
