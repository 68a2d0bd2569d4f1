/*
 * model_impl.h - what the files of the model share: names, wordings. Only model*.c include it.
 *
 * Borrowed pointers throughout; one thread.
 */
#pragma once

#include "services/manager/model.h"

/* One that says the same as spec, from here on with one user more. */
struct wording *model_wording_ref(struct model *model, const Davit__TaskSpec *spec);
void model_wording_unref(struct model *model, struct wording *wording);
Davit__TaskSpec *model_wording_spec(const struct wording *wording);

/* A task that is no element of an array has its name from here on, until it leaves. */
void model_name_enter(struct model *model, struct task *task);
void model_name_leave(struct model *model, struct task *task);
/* An array's elements are found by its name and their number. */
void model_array_enter(struct model *model, struct group *group);
void model_array_leave(struct model *model, struct group *group);
/* rests: all elements of the array are without a record; it goes, whatever it has. */
void model_rest_enter(struct model *model, struct group *group);
void model_rest_leave(struct model *model, struct group *group);
/* The element has a record from here on; it is gone; it is on disk only. */
void model_rest_made(struct model *model, struct group *group);
void model_element_leave(struct group *group, uint32_t index);
void model_element_archive(struct group *group, uint32_t index);
/* The newest of the elements that are called so, of those on disk. */
const struct past_entry *model_past_element(const struct model *model, const char *namespace,
	const char *name);
/* The namespace, if any spec or entry is of it. */
struct space *model_space_find(const struct model *model, const char *name);
void model_space_unref(struct model *model, struct space *space);
/* The last of its tasks or entries is gone; true: the spec went, too. */
bool model_group_free(struct model *model, struct group *group);
bool model_spec_unref(struct model *model, struct spec *spec);
void model_task_free(struct task *task);
/* Out of every index and list but for its group's, and what counts it. */
void model_task_unlink(struct model *model, struct task *task);
/* Forgets all names. */
void model_names_fini(struct model *model);
