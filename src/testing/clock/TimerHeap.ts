/**
 * Timers by due time, and by the order they were set where that is equal: a binary heap.
 *
 * @since 0.1.0
 */
export interface Timer {
  /** When it is due, in milliseconds since the start. */
  readonly at: number
  readonly order: number
  /** Gone once cancelled. */
  fire: (() => void) | undefined
}

const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

export class TimerHeap {
  private readonly heap: Array<Timer> = []
  private order = 0
  private cancelled = 0

  /** Timers that may still fire. */
  get size(): number {
    return this.heap.length - this.cancelled
  }

  add(at: number, fire: () => void): Timer {
    const timer: Timer = { at, order: this.order++, fire }
    this.siftUp(timer, this.heap.push(timer) - 1)
    return timer
  }

  /**
   * Makes sure that the timer does not fire. It leaves the heap when its time comes, or when most of the heap is such.
   */
  cancel(timer: Timer): void {
    if (timer.fire === undefined) return
    timer.fire = undefined
    this.cancelled++
    if (this.cancelled > 1024 && this.cancelled > this.heap.length / 2) this.compact()
  }

  /** Takes the next timer that is due at or before `limit`. */
  next(limit: number): Timer | undefined {
    for (;;) {
      const first = this.heap[0]
      if (first === undefined) return undefined
      if (first.fire !== undefined && first.at > limit) return undefined
      this.removeFirst()
      if (first.fire === undefined) {
        this.cancelled--
        continue
      }
      const { fire } = first
      // Fired timers cannot be cancelled any more.
      first.fire = undefined
      return { at: first.at, order: first.order, fire }
    }
  }

  private removeFirst(): void {
    const last = this.heap.pop()
    if (last !== undefined && this.heap.length > 0) this.siftDown(last, 0)
  }

  private siftUp(timer: Timer, from: number): void {
    const { heap } = this
    let i = from
    while (i > 0) {
      const parentIndex = (i - 1) >> 1
      const parent = heap[parentIndex]
      if (parent === undefined || !before(timer, parent)) break
      heap[i] = parent
      i = parentIndex
    }
    heap[i] = timer
  }

  private siftDown(timer: Timer, from: number): void {
    const { heap } = this
    let i = from
    for (;;) {
      const left = 2 * i + 1
      const leftTimer = heap[left]
      if (leftTimer === undefined) break
      const rightTimer = heap[left + 1]
      const child = rightTimer !== undefined && before(rightTimer, leftTimer) ? left + 1 : left
      const childTimer = child === left ? leftTimer : rightTimer
      if (childTimer === undefined || !before(childTimer, timer)) break
      heap[i] = childTimer
      i = child
    }
    heap[i] = timer
  }

  private compact(): void {
    const live = this.heap.filter((timer) => timer.fire !== undefined)
    this.heap.length = 0
    this.cancelled = 0
    for (const timer of live) this.siftUp(timer, this.heap.push(timer) - 1)
  }
}
