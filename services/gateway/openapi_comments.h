/*
 * openapi_comments.h - what the .proto files say of their names, made from them by
 * proto/comments.awk. Constant.
 */
#pragma once

/* Of "davit.TaskSpec", "davit.TaskSpec.name", "davit.Manager.GetTask"; "" when nothing. */
const char *openapi_comment(const char *name);
