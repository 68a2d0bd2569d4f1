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
/* Forgets all names. */
void model_names_fini(struct model *model);
