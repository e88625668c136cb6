/** Three runners of Effect Cluster, each a process, of which one is killed and started again. */
import type { ShardingConfig } from "effect/cluster"
import { type ChildProcess, fork } from "node:child_process"
import { createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

/** What is measured. */
export interface Kind {
  readonly sharding: Partial<ShardingConfig.ShardingConfig["Service"]>
  /** How locks end: a while after they were refreshed last, or with the connection of who holds them. */
  readonly locks: "lease" | "connection"
  /** What of Effect Cluster membership is asked about; the rest is Effect's own ping, and the list in the database. */
  readonly ours: "nothing" | "health" | "health and list"
}

export interface Settings extends Kind {
  readonly name: string
  readonly port: number
  readonly runnerPort: number
  readonly seed: string
  readonly database: string
  readonly prefix: string
}

export type Told =
  | { readonly what: "lists"; readonly at: number; readonly ports: ReadonlyArray<number> }
  | { readonly what: "locks"; readonly at: number; readonly shards: ReadonlyArray<string> }
  | {
    readonly what: "answers"
    readonly at: number
    readonly id: string
    readonly place: string
    readonly shard: string
  }

/** Milliseconds from the kill until the entity answered elsewhere, in the order in which it goes. */
export interface Handoff {
  /** Until who took the shard listed its runner no more. */
  readonly unlisted: number
  /** From then until it got the lock. */
  readonly locked: number
  /** From then until a call was answered. */
  readonly answered: number
  readonly total: number
}

interface Runner {
  readonly settings: Settings
  readonly process: ChildProcess
  readonly told: Array<Told>
}

const names = ["a", "b", "c"]

const freePorts = (count: number): Promise<ReadonlyArray<number>> =>
  Promise.all(
    Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1")).map((server) =>
      new Promise<number>((resolve) =>
        server.once("listening", () => {
          const address = server.address()
          server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
        })
      )
    )
  )

const start = (settings: Settings): Runner => {
  const program = fileURLToPath(new URL("runner.ts", import.meta.url))
  const child = fork(program, [JSON.stringify(settings)], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  const told: Array<Told> = []
  child.on("message", (message: Told) => told.push(message))
  return { settings, process: child, told }
}

const until = async <A>(what: string, found: () => A | undefined, seconds: number): Promise<A> => {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const value = found()
    if (value !== undefined) return value
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`)
    await sleep(20)
  }
}

const newest = <W extends Told["what"]>(runner: Runner, what: W, from = 0): Extract<Told, { what: W }> | undefined =>
  runner.told.findLast((told): told is Extract<Told, { what: W }> => told.what === what && told.at >= from)

/** Kills a runner so often, and tells what each time took. */
export const measure = async (
  kind: Kind,
  database: string,
  prefix: string,
  runs: number,
  progress: (text: string) => void
): Promise<ReadonlyArray<Handoff>> => {
  const ports = await freePorts(6)
  const runners = new Map(names.map((name, i) => {
    const [port = 0, runnerPort = 0] = [ports[i], ports[i + 3]]
    return [name, start({ ...kind, name, port, runnerPort, seed: `127.0.0.1:${ports[0]}`, database, prefix })]
  }))
  const all = () => [...runners.values()]
  const exit = () => all().forEach(({ process }) => process.kill("SIGKILL"))
  process.once("exit", exit)
  try {
    const found: Array<Handoff> = []
    for (let run = 0; run < runs; run++) {
      await until(
        "all list three",
        () => all().every((one) => newest(one, "lists")?.ports.length === 3) || undefined,
        240
      )
      const victim = names[run % names.length] ?? ""
      const others = all().filter(({ settings }) => settings.name !== victim)
      // an entity of the one to be killed, as both others say
      let at: string | undefined
      let shard = ""
      for (let i = 0; at === undefined; i = (i + 1) % 50) {
        const id = `entity/${i}`
        const asked = Date.now()
        for (const { process } of others) process.send(id)
        const answer = await until(
          `${id} answers`,
          () => {
            const answers = others.map((one) => newest(one, "answers", asked))
            return answers.every((told) => told?.id === id) ? answers : undefined
          },
          240
        )
        if (answer.every((told) => told?.place === victim)) at = id
        shard = answer[0]?.shard ?? ""
      }
      // at any moment of what is done at intervals
      await sleep(5_000 + Math.random() * 10_000)
      const dead = runners.get(victim)
      if (dead === undefined) throw new Error(`no runner ${victim}`)
      const killed = Date.now()
      dead.process.kill("SIGKILL")
      const isGone = (told: Told) =>
        told.what === "lists" && told.at >= killed && !told.ports.includes(dead.settings.runnerPort)
      const answer = await until(
        `${at} answers elsewhere`,
        () =>
          others.map((one) => newest(one, "answers", killed)).find((told) =>
            told !== undefined && told.place !== victim
          ),
        240
      )
      const taker = runners.get(answer.place)
      const unlisted = taker?.told.find(isGone)?.at ?? Number.NaN
      const locked = taker?.told.findLast((told) => told.what === "locks" && told.shards.includes(shard))?.at ??
        Number.NaN
      const handoff = {
        unlisted: unlisted - killed,
        locked: locked - unlisted,
        answered: answer.at - locked,
        total: answer.at - killed
      }
      found.push(handoff)
      progress(`run ${run + 1} of ${runs}: ${JSON.stringify(handoff)}`)
      if (run + 1 < runs) {
        await until(
          "both list two",
          () => others.every((one) => newest(one, "lists")?.ports.length === 2) || undefined,
          240
        )
        runners.set(victim, start(dead.settings))
      }
    }
    return found
  } finally {
    process.off("exit", exit)
    exit()
  }
}
