
SubmitTasks
nginx1