/**
 * The tasks of a scheduler, in the order Effect's own scheduler runs them: in batches, each batch by priority, lower
 * numbers first. What a batch schedules belongs to the next.
 *
 * @since 0.1.0
 */
import type * as Scheduler from "effect/Scheduler"

type Task = () => void

interface Bucket {
  readonly priority: number
  readonly tasks: Array<Task>
}

export class TaskQueue {
  private buckets: Array<Bucket> = []

  add(task: Task, priority: number): void {
    const { buckets } = this
    let at = buckets.length
    while (at > 0 && (buckets[at - 1]?.priority ?? priority) > priority) at--
    const bucket = buckets[at - 1]
    if (bucket !== undefined && bucket.priority === priority) bucket.tasks.push(task)
    else buckets.splice(at, 0, { priority, tasks: [task] })
  }

  get isEmpty(): boolean {
    return this.buckets.length === 0
  }

  /** Runs everything, and everything that follows from it, in so many batches at most. */
  drain(batches = Infinity): void {
    for (let i = 0; i < batches && this.buckets.length > 0; i++) {
      const batch = this.buckets
      this.buckets = []
      for (const { tasks } of batch) {
        for (const task of tasks) task()
      }
    }
  }
}

/** A scheduler that leaves its tasks to whoever drains the queue. */
export const schedulerOf = (tasks: TaskQueue): Scheduler.Scheduler => ({
  executionMode: "async",
  shouldYield: (fiber) => fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield,
  makeDispatcher: () => ({
    scheduleTask: (task, priority) => tasks.add(task, priority),
    flush: () => tasks.drain()
  })
})
