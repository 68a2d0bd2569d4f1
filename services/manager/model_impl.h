/*
 * model_impl.h - what the files of the model share: names. Only model*.c include it.
 *
 * Borrowed pointers throughout; one thread.
 */
#pragma once

#include "services/manager/model.h"

/* A task that is no element of an array has its name from here on, until it leaves. */
void model_name_enter(struct model *model, struct task *task);
void model_name_leave(struct model *model, struct task *task);
/* An array's elements are found by its name and their number. */
void model_array_enter(struct model *model, struct group *group);
void model_array_leave(struct model *model, struct group *group);
/* Forgets all names. */
void model_names_fini(struct model *model);
