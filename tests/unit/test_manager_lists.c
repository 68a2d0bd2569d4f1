/* Lists of many tasks: a page never takes long, whatever the filter, and pages together say all. */
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

static void
submit(struct desk *desk, const char *name, uint32_t count)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;

	spec.image = (char *)(uintptr_t) "busybox";
	spec.name = (char *)(uintptr_t)name;
	request.spec = &spec;
	request.has_count = true;
	request.count = count;
	protobuf_c_message_free_unpacked(desk_ask(desk, "SubmitTasks", &request.base), NULL);
}

/* Follows the pages; how many tasks there are, and pages. */
static unsigned
count_all(struct desk *desk, Davit__ListTasksRequest *request, unsigned *ret_n_pages)
{
	char after[ID_TEXT_SIZE] = "";
	unsigned n = 0;

	*ret_n_pages = 0;
	for (bool more = true; more; ++*ret_n_pages) {
		Davit__ListTasksReply *reply;

		request->after = after[0] != '\0' ? after : NULL;
		reply = (Davit__ListTasksReply *)desk_ask(desk, "ListTasks", &request->base);
		n += (unsigned)reply->n_tasks;
		more = reply->next != NULL;
		if (more)
			(void)snprintf(after, sizeof after, "%s", reply->next);
		davit__list_tasks_reply__free_unpacked(reply, NULL);
	}
	request->after = NULL;
	return n;
}

TEST(manager_page_ends_after_so_many_looks_and_says_where_to_go_on)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	struct desk desk;
	unsigned n_pages;

	desk_init(&desk);
	submit(&desk, "many", MANAGER_LIST_LOOKS_MAX + 1000);
	submit(&desk, "many-of-others", 5);
	request.name = (char *)(uintptr_t) "many-x"; /* nobody's, but it might be an element's */
	CHECK_EQ(count_all(&desk, &request, &n_pages), 0);
	CHECK_EQ(n_pages, 2);
	request.name = (char *)(uintptr_t) "many-of-others-3"; /* like an element of each */
	CHECK_EQ(count_all(&desk, &request, &n_pages), 1);
	request.name = (char *)(uintptr_t) "many-10999";
	CHECK_EQ(count_all(&desk, &request, &n_pages), 1);
	desk_fini(&desk);
}

TEST(manager_list_passes_over_arrays_of_which_no_task_fits)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__Task__State states[] = {DAVIT__TASK__STATE__FAILED};
	struct desk desk;
	unsigned n_pages;

	desk_init(&desk);
	submit(&desk, "many", 3 * MANAGER_LIST_LOOKS_MAX);
	submit(&desk, "few", 7);
	submit(&desk, "one", 1);
	request.states = states;
	request.n_states = 1;
	CHECK_EQ(count_all(&desk, &request, &n_pages), 0);
	CHECK_EQ(n_pages, 1);
	states[0] = DAVIT__TASK__STATE__PENDING;
	request.name = (char *)(uintptr_t) "few-6";
	CHECK_EQ(count_all(&desk, &request, &n_pages), 1);
	CHECK_EQ(n_pages, 1);
	request.name = (char *)(uintptr_t) "one";
	CHECK_EQ(count_all(&desk, &request, &n_pages), 1);
	request.name = NULL;
	CHECK_EQ(count_all(&desk, &request, &n_pages), 3 * MANAGER_LIST_LOOKS_MAX + 8);
	desk_fini(&desk);
}
