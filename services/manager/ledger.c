#include "services/manager/ledger.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/units.h"

/* ---- kinds and amounts ---- */

void
ledger_kinds_init(struct ledger_kinds *kinds)
{
	*kinds = (struct ledger_kinds){.names = {[LEDGER_GPU] = "gpu"}, .n = 1};
}

int
ledger_kind_find(const struct ledger_kinds *kinds, const char *name)
{
	for (unsigned i = 0; i < kinds->n; i++) {
		if (strcmp(kinds->names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

int
ledger_kind_get(struct ledger_kinds *kinds, const char *name)
{
	int found = ledger_kind_find(kinds, name);

	if (found >= 0 || kinds->n == LEDGER_KINDS_MAX)
		return found;
	(void)snprintf(kinds->names[kinds->n], LEDGER_KIND_SIZE, "%s", name);
	return (int)kinds->n++;
}

void
resources_add(struct resources *to, const struct resources *what)
{
	to->cpu_milli += what->cpu_milli;
	to->memory_bytes += what->memory_bytes;
	to->disk_bytes += what->disk_bytes;
	for (unsigned i = 0; i < LEDGER_KINDS_MAX; i++) {
		unsigned sum = (unsigned)to->devices[i] + what->devices[i];

		to->devices[i] = (uint16_t)(sum > UINT16_MAX ? UINT16_MAX : sum);
	}
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void
resources_subtract(struct resources *from, const struct resources *what)
{
	from->cpu_milli = less(from->cpu_milli, what->cpu_milli);
	from->memory_bytes = less(from->memory_bytes, what->memory_bytes);
	from->disk_bytes = less(from->disk_bytes, what->disk_bytes);
	for (unsigned i = 0; i < LEDGER_KINDS_MAX; i++)
		from->devices[i] = (uint16_t)less(from->devices[i], what->devices[i]);
}

static uint32_t
at_most(uint64_t room, uint64_t want, uint32_t n)
{
	return want > 0 && room / want < n ? (uint32_t)(room / want) : n;
}

uint32_t
resources_fit(const struct resources *room, const struct resources *want, uint32_t n)
{
	n = at_most(room->cpu_milli, want->cpu_milli, n);
	n = at_most(room->memory_bytes, want->memory_bytes, n);
	n = at_most(room->disk_bytes, want->disk_bytes, n);
	for (unsigned i = 0; i < LEDGER_KINDS_MAX && n > 0; i++)
		n = at_most(room->devices[i], want->devices[i], n);
	return n;
}

/* ---- accounts ---- */

struct resources
ledger_free(const struct ledger_account *account)
{
	struct resources room = account->capacity;

	resources_subtract(&room, &account->reserved);
	resources_subtract(&room, &account->claimed);
	return room;
}

static int
check_devices(const struct ledger_account *account, const struct resources *room,
	const struct resources *want, struct err *err)
{
	for (unsigned i = 0; i < LEDGER_KINDS_MAX; i++) {
		if (want->devices[i] > room->devices[i])
			return err_set(err, -ENOSPC, "device %s is short: wants %u, %u free",
				account->kinds == NULL ? "" : account->kinds->names[i],
				want->devices[i], room->devices[i]);
	}
	return 0;
}

int
ledger_reserve(struct ledger_account *account, const struct resources *want, struct err *err)
{
	struct resources room = ledger_free(account);
	char need[UNITS_TEXT_SIZE], left[UNITS_TEXT_SIZE];
	int rc;

	if (want->cpu_milli > room.cpu_milli)
		return err_set(err, -ENOSPC, "CPU is short: wants %s, %s free",
			units_format_cpu(want->cpu_milli, need),
			units_format_cpu(room.cpu_milli, left));
	if (want->memory_bytes > room.memory_bytes)
		return err_set(err, -ENOSPC, "memory is short: wants %s, %s free",
			units_format_bytes(want->memory_bytes, need),
			units_format_bytes(room.memory_bytes, left));
	if (want->disk_bytes > room.disk_bytes)
		return err_set(err, -ENOSPC, "disk is short: wants %s, %s free",
			units_format_bytes(want->disk_bytes, need),
			units_format_bytes(room.disk_bytes, left));
	rc = check_devices(account, &room, want, err);
	if (rc < 0)
		return rc;
	resources_add(&account->reserved, want);
	account->n_tasks++;
	return 0;
}

void
ledger_release(struct ledger_account *account, const struct resources *had)
{
	assert(account->n_tasks > 0);
	assert(resources_fit(&account->reserved, had, 1) == 1);
	resources_subtract(&account->reserved, had);
	account->n_tasks--;
}

/* ---- ports ---- */

/*
 * Taken ports, ascending by number then protocol: an engine has tens to some
 * thousands, so a sorted array is small and quick enough.
 */
struct entry {
	uint16_t number;
	uint8_t protocol;
	uint64_t until_ms; /* 0: a task has it; else a stranger's, left alone until then */
};

struct ledger_ports {
	struct ledger_range range;
	uint16_t next; /* of the range, to be tried first */
	struct entry *entries;
	uint32_t *numbers; /* the entries' numbers, for ledger_ports_list */
	size_t n, room;
	uint32_t n_dynamic_tcp; /* entries within the range */
};

struct ledger_ports *
ledger_ports_new(struct ledger_range range, uint32_t chance)
{
	struct ledger_ports *ports = xcalloc(1, sizeof *ports);
	uint32_t width = (uint32_t)range.last - range.first + 1;

	assert(range.first > 0 && range.first <= range.last);
	ports->range = range;
	ports->next = (uint16_t)(range.first + chance % width);
	return ports;
}

void
ledger_ports_free(struct ledger_ports *ports)
{
	if (ports == NULL)
		return;
	free(ports->entries);
	free(ports->numbers);
	free(ports);
}

static uint32_t
rank(uint16_t number, uint8_t protocol)
{
	return (uint32_t)number << 8 | protocol;
}

/* Index of the first entry that is not below the port. */
static size_t
position(const struct ledger_ports *ports, struct ledger_port port)
{
	size_t low = 0, high = ports->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct entry *entry = &ports->entries[middle];

		if (rank(entry->number, entry->protocol) < rank(port.number, port.protocol))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *
find(const struct ledger_ports *ports, struct ledger_port port)
{
	size_t i = position(ports, port);

	if (i == ports->n || ports->entries[i].number != port.number ||
		ports->entries[i].protocol != port.protocol)
		return NULL;
	return &ports->entries[i];
}

static bool
is_dynamic_tcp(const struct ledger_ports *ports, struct ledger_port port)
{
	return port.protocol == 0 && port.number >= ports->range.first &&
	       port.number <= ports->range.last;
}

static void
insert(struct ledger_ports *ports, struct ledger_port port, uint64_t until_ms)
{
	size_t i = position(ports, port);

	if (ports->n == ports->room) {
		ports->room = ports->room == 0 ? 8 : ports->room * 2;
		ports->entries = xrealloc(ports->entries, ports->room, sizeof *ports->entries);
		ports->numbers = xrealloc(ports->numbers, ports->room, sizeof *ports->numbers);
	}
	memmove(&ports->entries[i + 1], &ports->entries[i],
		(ports->n - i) * sizeof *ports->entries);
	memmove(&ports->numbers[i + 1], &ports->numbers[i],
		(ports->n - i) * sizeof *ports->numbers);
	ports->entries[i] = (struct entry){port.number, port.protocol, until_ms};
	ports->numbers[i] = port.number;
	ports->n++;
	ports->n_dynamic_tcp += is_dynamic_tcp(ports, port);
}

static void delete (struct ledger_ports *ports, size_t i)
{
	struct ledger_port port = {ports->entries[i].protocol, ports->entries[i].number};

	ports->n--;
	ports->n_dynamic_tcp -= is_dynamic_tcp(ports, port);
	memmove(&ports->entries[i], &ports->entries[i + 1],
		(ports->n - i) * sizeof *ports->entries);
	memmove(&ports->numbers[i], &ports->numbers[i + 1],
		(ports->n - i) * sizeof *ports->numbers);
}

int
ledger_port_take(struct ledger_ports *ports, struct ledger_port port)
{
	if (find(ports, port) != NULL)
		return -EADDRINUSE;
	insert(ports, port, 0);
	return 0;
}

int
ledger_port_choose(struct ledger_ports *ports, uint8_t protocol, struct ledger_port *ret_port)
{
	uint32_t width = (uint32_t)ports->range.last - ports->range.first + 1;

	for (uint32_t tried = 0; tried < width; tried++) {
		struct ledger_port port = {protocol, ports->next};

		ports->next = ports->next == ports->range.last ? ports->range.first
							       : (uint16_t)(ports->next + 1);
		if (ledger_port_take(ports, port) == 0) {
			*ret_port = port;
			return 0;
		}
	}
	return -ENOSPC;
}

void
ledger_port_give(struct ledger_ports *ports, struct ledger_port port)
{
	struct entry *entry = find(ports, port);

	if (entry != NULL && entry->until_ms == 0)
		delete (ports, (size_t)(entry - ports->entries));
}

void
ledger_port_hand_to_stranger(struct ledger_ports *ports, struct ledger_port port, uint64_t until_ms)
{
	struct entry *entry = find(ports, port);

	if (entry == NULL)
		insert(ports, port, until_ms);
	else
		entry->until_ms = until_ms;
}

bool
ledger_port_expire(struct ledger_ports *ports, uint64_t now_ms)
{
	size_t before = ports->n;

	for (size_t i = ports->n; i-- > 0;) {
		if (ports->entries[i].until_ms != 0 && ports->entries[i].until_ms <= now_ms)
			delete (ports, i);
	}
	return ports->n != before;
}

bool
ledger_port_is_taken(const struct ledger_ports *ports, struct ledger_port port)
{
	return find(ports, port) != NULL;
}

uint32_t
ledger_ports_n_free(const struct ledger_ports *ports)
{
	return (uint32_t)ports->range.last - ports->range.first + 1 - ports->n_dynamic_tcp;
}

uint32_t
ledger_ports_n_held(const struct ledger_ports *ports)
{
	uint32_t n = 0;

	for (size_t i = 0; i < ports->n; i++)
		n += ports->entries[i].until_ms == 0;
	return n;
}

size_t
ledger_ports_list(const struct ledger_ports *ports, const uint32_t **ret_numbers)
{
	*ret_numbers = ports->numbers;
	return ports->n;
}
