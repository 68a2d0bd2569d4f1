#include <errno.h>

#include "services/manager/ledger.h"
#include "tests/lib/test.h"

TEST(ledger_never_grants_more_than_there_is)
{
	struct ledger_account account = {.capacity = {1000, 1 << 20, 0}};
	struct resources want = {600, 1 << 19, 0, {0}};
	struct err err = {0};

	CHECK_OK(ledger_reserve(&account, &want, &err), &err);
	CHECK_EQ(ledger_reserve(&account, &want, &err), -ENOSPC);
	CHECK_HAS(err.text, "CPU is short: wants 0.6, 0.4 free");
	CHECK_EQ(account.n_tasks, 1);
	want.cpu_milli = 400;
	CHECK_OK(ledger_reserve(&account, &want, &err), &err);
	want = (struct resources){0, 1, 0, {0}};
	CHECK_EQ(ledger_reserve(&account, &want, &err), -ENOSPC);
	CHECK_HAS(err.text, "memory is short");
	want = (struct resources){0, 0, 1, {0}};
	CHECK_EQ(ledger_reserve(&account, &want, &err), -ENOSPC);
	CHECK_HAS(err.text, "disk is short");
}

TEST(ledger_gives_each_dynamic_port_once_and_says_when_none_is_left)
{
	struct ledger_ports *ports = ledger_ports_new((struct ledger_range){100, 109}, 7);
	struct ledger_port port;
	bool seen[10] = {false};

	for (unsigned i = 0; i < 10; i++) {
		CHECK_EQ(ledger_port_choose(ports, 0, &port), 0);
		CHECK(port.number >= 100 && port.number <= 109 && !seen[port.number - 100]);
		seen[port.number - 100] = true;
	}
	CHECK_EQ(ledger_ports_n_free(ports), 0);
	CHECK_EQ(ledger_port_choose(ports, 0, &port), -ENOSPC);
	CHECK_EQ(ledger_port_choose(ports, 1, &port), 0); /* another protocol */
	ledger_port_give(ports, (struct ledger_port){0, 105});
	CHECK_EQ(ledger_port_choose(ports, 0, &port), 0);
	CHECK_EQ(port.number, 105);
	ledger_ports_free(ports);
}

TEST(ledger_leaves_a_strangers_port_alone_until_the_mark_is_over)
{
	struct ledger_ports *ports = ledger_ports_new((struct ledger_range){100, 109}, 0);
	struct ledger_port port = {0, 8080};

	CHECK_EQ(ledger_port_take(ports, port), 0);
	CHECK_EQ(ledger_ports_n_held(ports), 1);
	ledger_port_hand_to_stranger(ports, port, 500);
	CHECK_EQ(ledger_ports_n_held(ports), 0);
	ledger_port_give(ports, port); /* by the task that thought it had it */
	CHECK_EQ(ledger_port_take(ports, port), -EADDRINUSE);
	CHECK(!ledger_port_expire(ports, 499));
	CHECK(ledger_port_expire(ports, 500));
	CHECK_EQ(ledger_port_take(ports, port), 0);
	ledger_ports_free(ports);
}

TEST(ledger_lists_ports_in_order)
{
	struct ledger_ports *ports = ledger_ports_new((struct ledger_range){100, 109}, 0);
	const uint32_t *numbers;

	for (uint16_t i = 0; i < 20; i++)
		CHECK_EQ(ledger_port_take(ports, (struct ledger_port){0, (uint16_t)(500 - i)}), 0);
	CHECK_EQ(ledger_ports_list(ports, &numbers), 20);
	for (unsigned i = 1; i < 20; i++)
		CHECK(numbers[i - 1] < numbers[i]);
	ledger_ports_free(ports);
}
