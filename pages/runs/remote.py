"""Long jobs on the Dask cluster of the operator, so that the process that serves the pages stays free."""

from collections.abc import Callable, Sequence
from typing import Any

from clustering.tasks import result_of, while_waiting
from pages.datasets.formatting import pluralize
from pages.datasets.server.cluster import cluster_client, readable_errors
from pages.datasets.server.configuration import configured_scheduler
from pages.runs.jobs import Job

TASKS_PER_CALL = 4
"""number of tasks that a worker runs before it returns their results"""


def is_remote(job: Job) -> bool:
    """Whether the tasks of a job run on a cluster, that is, if a scheduler is configured."""
    return configured_scheduler() is not None and job.can_be_sent


def resume_on_cluster(job: Job, on_progress: Callable[[float, str], None]) -> None:
    """Run the remaining tasks of a job on the cluster, as `Job.resume` does in this process.

    Raises UnreadableTable if the cluster does not answer or if a task fails, except that a ValueError of a task, such as one
    about a setting, is raised unchanged.
    """
    tasks, count = job.remaining, len(job.tasks)
    parts = [tasks[begin : begin + TASKS_PER_CALL] for begin in range(0, len(tasks), TASKS_PER_CALL)]
    before = len(job.results)
    with readable_errors():
        client = cluster_client()
        shared = client.scatter(job.part(tasks), hash=False)
        futures = [client.submit(_run_tasks, shared, part, pure=False) for part in parts]
        try:
            for part, future in zip(parts, futures, strict=True):

                def on_wait():
                    finished = sum(len(done) for done, each in zip(parts, futures, strict=True) if each.done())
                    on_progress(
                        (before + finished) / count, f"{before + finished:,} of {pluralize(count, job.noun)} finished."
                    )

                on_wait()
                with while_waiting(on_wait):
                    results = result_of(future)
                for task, result in zip(part, results, strict=True):
                    job.finish(task, result)
        finally:
            client.cancel(futures)


def _run_tasks(job: Job, tasks: Sequence) -> list[Any]:
    part = job.part(tasks)
    return [part.run_task(task, lambda state: None) for task in tasks]
