/** Every process and socket that a case started, so that nothing outlives it. */

export class Session {
  private readonly endings: Array<() => Promise<void> | void> = []
  private ended: Promise<void> | undefined

  /** Runs `ending` when the session ends; at once when it has. */
  onEnd(ending: () => Promise<void> | void): void {
    if (this.ended !== undefined) void ending()
    else this.endings.push(ending)
  }

  get isOver(): boolean {
    return this.ended !== undefined
  }

  end(): Promise<void> {
    this.ended ??= Promise.allSettled(this.endings.toReversed().map(async (ending) => ending())).then(() => undefined)
    return this.ended
  }
}

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** The promise's value, or `undefined` when it takes longer. */
export const within = async <A>(millis: number, promise: Promise<A>): Promise<A | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), millis)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
