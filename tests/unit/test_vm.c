#include "common/model/vm.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/model/spec.h"
#include "tests/lib/test.h"

TEST(vm_password_is_made_of_letters_that_nobody_confuses)
{
	uint8_t random[VM_PASSWORD_SIZE - 1];
	char text[VM_PASSWORD_SIZE];

	for (unsigned i = 0; i < sizeof random; i++)
		random[i] = (uint8_t)(i * 13);
	vm_password_make(random, text);
	CHECK_EQ(strlen(text), 20);
	CHECK(strpbrk(text, "0o1l") == NULL);
	CHECK_EQ(strspn(text, "abcdefghijkmnpqrstuvwxyz23456789"), 20);
}

static const char *
env_of(const Davit__TaskSpec *spec, const char *key)
{
	for (size_t i = 0; i < spec->n_env; i++)
		if (strcmp(spec->env[i]->key, key) == 0)
			return spec->env[i]->value;
	return NULL;
}

TEST(vm_spec_has_the_hash_of_the_password_but_not_the_password)
{
	struct vm_wish wish = {.name = "vm_1",
		.password = "sesame",
		.public_key = "ssh-ed25519 AAAA me\n",
		.node = "n1"};
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	CLEANUP(arena_fini) struct arena arena = {0};
	struct crypt_data *data = xcalloc(1, sizeof *data);
	struct err err = {0};
	const char *hash;

	CHECK_OK(vm_spec_fill(&wish, &spec, &arena, &err), &err);
	hash = env_of(&spec, "VM_PASSWORD_HASH");
	CHECK_HAS(hash, "$6$");
	CHECK_STR(crypt_r("sesame", hash, data), hash);
	CHECK(strcmp(crypt_r("simsim", hash, data), hash) != 0);
	free(data);
	CHECK_STR(env_of(&spec, "VM_AUTHORIZED_KEY"), "ssh-ed25519 AAAA me");
	CHECK_EQ(spec.n_env, 2);
	CHECK_STR(spec.name, "vm_1");
	CHECK_STR(spec.hostname, "vm-1");
	CHECK_STR(spec.image, VM_IMAGE);
	CHECK_STR(spec.constraints[0], "node.name == n1");
	CHECK_EQ(spec.ports[0]->container_port, VM_PORT);
}

TEST(vm_spec_is_one_that_the_manager_takes)
{
	struct vm_wish wish = {.name = "vm..1", .password = "root"};
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	CLEANUP(arena_fini) struct arena arena = {0};
	char field[SPEC_FIELD_MAX];
	struct err err = {0};

	CHECK_OK(vm_spec_fill(&wish, &spec, &arena, &err), &err);
	CHECK(spec.hostname == NULL);
	CHECK_EQ(spec.n_constraints, 0);
	CHECK_OK(spec_check(&spec, field, &err), &err);
}

TEST(vm_spec_refuses_what_is_no_password_and_no_key)
{
	static char long_password[VM_PASSWORD_MAX + 2], long_key[VM_KEY_MAX + 2];
	const struct vm_wish wrong[] = {{.password = ""}, {.password = "a\nb"},
		{.password = long_password}, {.password = "\xff"}, {.public_key = ""},
		{.public_key = "ssh-rsa A\ncommand=x"}, {.public_key = long_key}};
	CLEANUP(arena_fini) struct arena arena = {0};
	struct err err = {0};

	memset(long_password, 'x', VM_PASSWORD_MAX + 1);
	memset(long_key, 'x', VM_KEY_MAX + 1);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;

		CHECK_EQ(vm_spec_fill(&wrong[i], &spec, &arena, &err), -EINVAL);
	}
	long_password[VM_PASSWORD_MAX] = '\0';
	long_key[VM_KEY_MAX] = '\0';
	CHECK_OK(vm_spec_fill(&(struct vm_wish){.password = long_password, .public_key = long_key},
			 &(Davit__TaskSpec)DAVIT__TASK_SPEC__INIT, &arena, &err),
		&err);
}

TEST(vm_is_known_by_its_label_and_reached_by_its_port)
{
	Davit__Task task = DAVIT__TASK__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT, other = DAVIT__TASK_SPEC__INIT;
	Davit__PortMapping ports[2] = {DAVIT__PORT_MAPPING__INIT, DAVIT__PORT_MAPPING__INIT};
	Davit__PortMapping *all[] = {&ports[0], &ports[1]};
	CLEANUP(arena_fini) struct arena arena = {0};
	struct err err = {0};

	CHECK(!vm_is(&task));
	CHECK_EQ(vm_port(&task), 0);
	CHECK_OK(vm_spec_fill(&(struct vm_wish){.name = "v"}, &spec, &arena, &err), &err);
	task.spec = &spec;
	CHECK(vm_is(&task));
	task.spec = &other;
	CHECK(!vm_is(&task));
	ports[0].container_port = 80;
	ports[1].container_port = 22;
	ports[1].host_port = 32775;
	task.ports = all;
	task.n_ports = 2;
	CHECK_EQ(vm_port(&task), 32775);
}
