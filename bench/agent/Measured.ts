/** What one run of `npm run bench:agent` measured, and what of it fails the run. */

/** Times in milliseconds: how many there are, the middle one, the one that one in a hundred exceeds, and the longest. */
export interface Times {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Sums up times. */
export const timesOf = (values: ReadonlyArray<number>): Times => {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 }
}

/** What was asked for. */
export interface Order {
  /** Readers of streams: one in ten follows a topic, the others the events. */
  readonly clients: number
  /** Requests a second that read. */
  readonly rate: number
  readonly seconds: number
  /** How long the agent is watched before the load, and after it. */
  readonly restSeconds: number
}

/** The requests of one kind. */
export interface Called {
  readonly call: string
  /** From the planned moment until the whole answer was there. */
  readonly millis: Times
  /** Bytes of the longest answer. */
  readonly bytes: number
  readonly failed: number
}

/** What a loader of requests tells at the end. */
export interface Calls {
  readonly calls: ReadonlyArray<Called>
  /** Requests a second, from the first planned moment until the last was sent. */
  readonly rate: number
  /** Why requests failed, with how often. */
  readonly failures: Readonly<Record<string, number>>
  /** Changes that were sent: readers have to be told of each. */
  readonly updates: number
  readonly values: number
}

/** What the readers of one kind of stream got. */
export interface Read {
  readonly stream: string
  readonly readers: number
  readonly expected: number
  /** Those that came once and in their place. */
  readonly delivered: number
  /** From the moment at which the change was sent to the agent until a reader had it. */
  readonly millis: Times
  /** Streams that ended before they were closed here. */
  readonly ended: number
}

/** One agent over one stretch of time. */
export interface Watched {
  readonly stretch: string
  readonly seconds: number
  /** Share of one processor. */
  readonly cpu: number
  /** Megabytes at its end. */
  readonly resident: number
  readonly heap: number
  /** How much longer than they should timers took: the event loop was held up, by us or by others on the machine. */
  readonly delay: Times
}

/** What the five agents say of each other between the beginning and the end. */
export interface Protocol {
  /** Verdicts and suspicions seen by any of them: all are false, because nobody has died. */
  readonly verdicts: ReadonlyArray<string>
  readonly suspected: number
  readonly failed: number
  /** Probes without an ack; a suspicion may follow. */
  readonly probesFailed: number
  /** The highest health score of any: 0 is healthy. */
  readonly score: number
  /** Live members that each agent lists at the end. */
  readonly members: ReadonlyArray<number>
  /** What agents logged as warnings or errors. */
  readonly warnings: ReadonlyArray<string>
}

/** A run. */
export interface Measured {
  readonly at: string
  readonly commit: string
  readonly processors: string
  readonly memoryGB: number
  readonly system: string
  readonly node: string
  /** The load average of the machine before the run. */
  readonly load: number
  readonly isBuilt: boolean
  readonly order: Order
  readonly calls: Calls
  readonly reads: ReadonlyArray<Read>
  readonly watched: ReadonlyArray<Watched>
  /** Megabytes of the loaded agent's heap after a full collection. */
  readonly held: { readonly before: number; readonly after: number }
  /** The delays of the other four agents during the load, the worst of them. */
  readonly others: Times
  readonly protocol: Protocol
}

/** The agents of a run. */
export const AGENTS = 5

/** Returns what must not have happened, one line each. */
export const failuresOf = ({ calls, protocol, reads }: Measured): ReadonlyArray<string> => {
  const failures = Object.entries(calls.failures).map(([why, times]) => `${times} requests failed: ${why}`)
  for (const { delivered, ended, expected, stream } of reads) {
    if (delivered !== expected) failures.push(`${stream}: ${delivered} of ${expected} events delivered`)
    if (ended > 0) failures.push(`${stream}: ${ended} streams ended by themselves`)
  }
  if (calls.updates === 0 || calls.values === 0) failures.push("nothing was told to the readers of streams")
  for (const verdict of protocol.verdicts) failures.push(`false verdict: ${verdict}`)
  if (protocol.suspected > 0) failures.push(`${protocol.suspected} suspicions`)
  if (protocol.failed > 0) failures.push(`${protocol.failed} members called dead`)
  for (const [at, members] of protocol.members.entries()) {
    if (members !== AGENTS) failures.push(`agent ${at + 1} lists ${members} members, not ${AGENTS}`)
  }
  return failures
}
