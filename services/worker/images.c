/*
 * Which images are there; tested by tests/unit/test_worker_images.c.
 *
 * Everybody who wants an image waits at one record, so it is looked for once and
 * pulled once, however many tasks need it.
 */
#include "services/worker/core.h"

#include "common/base/log.h"
#include "common/base/mem.h"

enum { PULL_RETRY_MIN_MS = 500, PULL_RETRY_MAX_MS = 4000, PROGRESS_MS = 1000 };

static void look(struct worker_image *image);

/* Puts a text behind what the key holds; where it stands there, or NULL for none. */
static const char *
put_part(struct worker_image *image, const char *text)
{
	char *place = image->key + image->key_size;
	size_t size = text == NULL ? 0 : strlen(text);

	memcpy(place, text == NULL ? "" : text, size + 1);
	image->key_size += size + 1;
	return size == 0 ? NULL : place;
}

static size_t
part_size(const char *text)
{
	return text == NULL ? 1 : strlen(text) + 1;
}

/* wish->auth is the name of a credential here. */
static struct worker_image *
image_get(struct worker *worker, const struct engine_pull *wish)
{
	size_t room = part_size(wish->image) + part_size(wish->auth) + part_size(wish->platform);
	struct worker_image *image = xcalloc(1, sizeof *image + room), *known;

	image->name = put_part(image, wish->image);
	image->auth = put_part(image, wish->auth);
	image->platform = put_part(image, wish->platform);
	HASH_FIND(hh, worker->images, image->key, image->key_size, known);
	if (known != NULL) {
		free(image);
		return known;
	}
	image->worker = worker;
	HASH_ADD_KEYPTR(hh, worker->images, image->key, image->key_size, image);
	return image;
}

/* Those who pull by hand hear how it ended; they may ask again at once. */
static void
end_pullers(struct worker_image *image, const struct err *err)
{
	struct worker_puller *puller;

	while ((puller = image->pullers) != NULL) {
		worker_image_unpull(puller);
		puller->on_end(err, puller->arg);
	}
}

static void
image_free(struct worker_image *image)
{
	HASH_DELETE(hh, image->worker->images, image);
	worker_job_abandon(&image->job);
	free(image);
}

static Davit__TaskSpec__PullPolicy
policy_of(const struct worker_slot *slot)
{
	return slot->spec->spec->pull_policy;
}

/* Everybody goes on: the image is there (or the engine will say that it is not). */
static void
release_all(struct worker_image *image)
{
	struct worker_slot *slot, *next;

	DL_FOREACH_SAFE2(image->waiting, slot, next, image_next)
	{
		worker_slot_touch(slot);
	}
}

static void
refuse_all(struct worker_image *image, const struct err *err)
{
	struct worker_slot *slot, *next;
	char text[WORKER_MESSAGE_MAX];
	struct err words;

	(void)worker_engine_sentence(WORKER_STEP_PULL, err, image->name, text, sizeof text);
	image->state = WORKER_IMAGE_UNKNOWN;
	DL_FOREACH_SAFE2(image->waiting, slot, next, image_next)
	{
		worker_slot_reject(slot, "%s", text);
	}
	(void)err_set(&words, err->code, "%s", text);
	end_pullers(image, &words);
}

static void
wait_for_turn(struct worker_image *image, uint64_t wait_ms)
{
	image->state = WORKER_IMAGE_WAITING;
	image->wait_ms = (uint32_t)wait_ms;
	image->has_wait = true;
}

/* ---- pull ---- */

/*
 * Not every layer's every step: a thousand slots may wait, and each would report it. What comes too
 * early is told by a later tick, also where the pull stands still after it.
 */
static void
tell_progress(struct worker_image *image)
{
	struct worker_slot *slot;

	if (image->worker->mono_ms < image->say_ms)
		return;
	image->is_untold = false;
	image->say_ms = image->worker->mono_ms + PROGRESS_MS;
	DL_FOREACH2(image->waiting, slot, image_next)
	{
		worker_slot_say(slot, "pulls %s: %s", image->name, image->progress_text);
	}
}

static void
on_progress(const struct engine_progress *progress, void *arg)
{
	struct worker_image *image = worker_job_owner(arg);
	struct worker_puller *puller;

	if (image == NULL)
		return;
	image->progress = *progress;
	(void)snprintf(image->progress_text, sizeof image->progress_text, "%s", progress->text);
	image->is_untold = true;
	DL_FOREACH (image->pullers, puller) {
		puller->on_progress(progress, puller->arg);
	}
	tell_progress(image);
}

static void
on_pulled(const struct err *err, void *arg)
{
	struct worker_image *image = worker_job_end(arg);
	struct worker *worker;
	struct worker_slot *slot;
	char text[WORKER_MESSAGE_MAX];
	uint64_t delay;

	if (image == NULL)
		return;
	worker = image->worker;
	worker->n_pulls--;
	if (err->code == 0) {
		image->state = WORKER_IMAGE_PRESENT;
		image->n_tries = 0;
		if (image->was_absent && image->waiting != NULL)
			worker_pulled_note(worker, image->name);
		image->was_absent = false;
		image->seen_ms = image->pulled_ms = worker->mono_ms;
		release_all(image);
		end_pullers(image, err);
		return;
	}
	switch (worker_engine_verdict(WORKER_STEP_PULL, err)) {
	case WORKER_VERDICT_AWAY:
		worker_watch_failed(worker, err);
		wait_for_turn(image, 0);
		end_pullers(image, err);
		return;
	case WORKER_VERDICT_RETRY:
		if (++image->n_tries >= WORKER_PULL_TRIES_MAX)
			break;
		delay = worker_retry_delay_ms(image->n_tries, PULL_RETRY_MIN_MS, PULL_RETRY_MAX_MS,
			worker->ports.random(worker->ports.arg));
		(void)worker_engine_sentence(WORKER_STEP_PULL, err, image->name, text, sizeof text);
		DL_FOREACH2(image->waiting, slot, image_next)
		{
			worker_slot_say(slot, "%s; tries again", text);
		}
		wait_for_turn(image, delay);
		return;
	default:
		break;
	}
	image->n_tries = 0;
	refuse_all(image, err);
}

static void
pull(struct worker_image *image)
{
	struct worker *worker = image->worker;
	CLEANUP(free) char *auth = NULL;
	struct worker_job *job;
	struct err err = {0};

	if (worker->ports.registry_auth != NULL &&
		worker->ports.registry_auth(worker->ports.arg, image->auth, image->name, &auth,
			&err) < 0) {
		refuse_all(image, &err);
		return;
	}
	job = worker_job_new(&image->job, image);
	worker->n_pulls++;
	image->progress = (struct engine_progress){0};
	image->is_untold = false;
	image->state = WORKER_IMAGE_PULLING;
	job->op = engine_image_pull(image->worker->engine,
		&(struct engine_pull){.image = image->name,
			.auth = auth,
			.platform = image->platform},
		on_progress, on_pulled, job);
}

/* ---- look ---- */

static void
refuse_those_that_never_pull(struct worker_image *image)
{
	struct worker_slot *slot, *next;

	DL_FOREACH_SAFE2(image->waiting, slot, next, image_next)
	{
		if (policy_of(slot) == DAVIT__TASK_SPEC__PULL_POLICY__NEVER)
			worker_slot_reject(slot,
				"image '%s' is not on this node, and pull_policy is NEVER: load it "
				"there, or allow a pull",
				image->name);
	}
}

static bool
somebody_always_pulls(const struct worker_image *image)
{
	const struct worker_slot *slot;

	if (image->pullers != NULL)
		return true;
	DL_FOREACH2(image->waiting, slot, image_next)
	{
		if (policy_of(slot) == DAVIT__TASK_SPEC__PULL_POLICY__ALWAYS)
			return true;
	}
	return false;
}

static void
on_looked(const struct err *err, void *arg)
{
	struct worker_image *image = worker_job_end(arg);
	enum worker_verdict verdict;

	if (image == NULL)
		return;
	verdict = worker_engine_verdict(WORKER_STEP_INSPECT, err);
	if (verdict == WORKER_VERDICT_NONE) {
		image->was_absent = false;
		image->seen_ms = image->worker->mono_ms;
		image->state = WORKER_IMAGE_PRESENT;
		if (somebody_always_pulls(image))
			wait_for_turn(image, 0);
		release_all(image);
	} else if (verdict == WORKER_VERDICT_ABSENT) {
		image->was_absent = true;
		refuse_those_that_never_pull(image);
		wait_for_turn(image, 0);
	} else if (verdict == WORKER_VERDICT_AWAY) {
		image->state = WORKER_IMAGE_UNKNOWN;
		worker_watch_failed(image->worker, err);
		release_all(image); /* they ask again when the engine is back */
		end_pullers(image, err);
	} else {
		image->state = WORKER_IMAGE_UNKNOWN;
		refuse_all(image, err);
	}
}

static void
look(struct worker_image *image)
{
	struct worker_job *job = worker_job_new(&image->job, image);

	image->state = WORKER_IMAGE_LOOKING;
	job->op = engine_image_inspect(image->worker->engine, image->name, on_looked, job);
}

/* ---- for slots ---- */

static bool
is_fresh(const struct worker_image *image, uint64_t since_ms)
{
	return since_ms != 0 && image->worker->mono_ms - since_ms < WORKER_IMAGE_FRESH_MS;
}

bool
worker_image_want(struct worker_slot *slot)
{
	struct worker_image *image = slot->image;
	bool always = policy_of(slot) == DAVIT__TASK_SPEC__PULL_POLICY__ALWAYS;

	if (image == NULL) {
		const Davit__TaskSpec *spec = slot->spec->spec;

		image = image_get(slot->worker,
			&(struct engine_pull){spec->image, spec->registry_auth, spec->platform});
		slot->image = image;
		DL_APPEND2(image->waiting, slot, image_prev, image_next);
	}
	if (worker_pulled_is_going(slot->worker, image->name))
		return false; /* its end touches the slot */
	if (is_fresh(image, always ? image->pulled_ms : image->seen_ms))
		return true;
	if (image->state == WORKER_IMAGE_UNKNOWN ||
		(image->state == WORKER_IMAGE_PRESENT && !always))
		look(image);
	else if (image->state == WORKER_IMAGE_PRESENT)
		wait_for_turn(image, 0);
	return false;
}

void
worker_image_leave(struct worker_slot *slot)
{
	struct worker_image *image = slot->image;

	if (image == NULL)
		return;
	DL_DELETE2(image->waiting, slot, image_prev, image_next);
	slot->image = NULL;
}

void
worker_image_pull(struct worker *worker, const struct engine_pull *pull,
	struct worker_puller *puller)
{
	struct worker_image *image = image_get(worker, pull);

	puller->image = image;
	DL_APPEND(image->pullers, puller);
	if (image->state == WORKER_IMAGE_UNKNOWN || image->state == WORKER_IMAGE_PRESENT)
		wait_for_turn(image, 0);
}

void
worker_image_unpull(struct worker_puller *puller)
{
	if (puller->image == NULL)
		return;
	DL_DELETE(puller->image->pullers, puller);
	puller->image = NULL;
}

void
worker_image_forget(struct worker *worker, const char *name)
{
	struct worker_image *image, *next;

	HASH_ITER(hh, worker->images, image, next)
	{
		if (strcmp(image->name, name) != 0)
			continue;
		image->seen_ms = image->pulled_ms = 0;
		release_all(image);
	}
}

/* Nobody waits for it any more: a pull is given up, an old record forgotten. */
static bool
is_useless(struct worker_image *image)
{
	if (image->waiting != NULL || image->pullers != NULL)
		return false;
	if (image->state == WORKER_IMAGE_PULLING)
		image->worker->n_pulls--;
	return image->state != WORKER_IMAGE_PRESENT || !is_fresh(image, image->seen_ms);
}

uint64_t
worker_images_tick(struct worker *worker)
{
	struct worker_image *image, *next;
	uint64_t due = UINT64_MAX, now = worker->mono_ms;

	HASH_ITER(hh, worker->images, image, next)
	{
		if (image->has_wait)
			image->retry_ms = now + image->wait_ms;
		image->has_wait = false;
		if (is_useless(image)) {
			image_free(image);
			continue;
		}
		if (image->state == WORKER_IMAGE_PULLING && image->is_untold) {
			tell_progress(image);
			if (image->is_untold && image->say_ms < due)
				due = image->say_ms;
		}
		if (image->state != WORKER_IMAGE_WAITING || !worker->watch.is_up)
			continue;
		if (image->retry_ms > now)
			due = image->retry_ms < due ? image->retry_ms : due;
		else if (worker->n_pulls < WORKER_PULLS_MAX &&
			 !worker_pulled_is_going(worker, image->name))
			pull(image);
	}
	return due;
}

void
worker_images_free(struct worker *worker)
{
	struct worker_image *image, *next;

	HASH_ITER(hh, worker->images, image, next)
	{
		image_free(image);
	}
}
