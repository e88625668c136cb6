/** One attacked node in a process of its own, ours or Go's, and what is to be asked of either. */
import { binaryOf } from "../../interop/GoPeer.ts"
import type { StartOptions } from "../../interop/Protocol.ts"
import type { Kind } from "../Case.ts"
import type { Misbehaviour } from "../victim/Misbehaviour.ts"
import { Child, type Fields, node } from "./Child.ts"
import { FAKE } from "./Names.ts"
import { type Session, within } from "./Session.ts"

export interface Standing {
  readonly state: "alive" | "suspect" | "dead" | "left"
  readonly incarnation: number
}

/** What a node says of itself. */
export interface Report {
  /** The members it was asked for, as it sees them. */
  readonly standings: Readonly<Record<string, Standing>>
  /** How many entries its table has, for who asks for nobody by name. */
  readonly entries: number | undefined
  /** The longest time its event loop stood still since the last report, in milliseconds. */
  readonly stop?: number
  /** The same since that was last forgotten. */
  readonly longestStop?: number
  readonly counters?: Readonly<Record<string, number>>
}

export interface Change {
  readonly event: "joined" | "suspected" | "recovered" | "failed" | "left"
  readonly name: string
  /** When, in milliseconds of the clock. */
  readonly at: number
}

export interface VictimOptions {
  readonly name: string
  readonly preset?: "lan" | "local"
  /** In base64; the first is the primary one. */
  readonly keys?: ReadonlyArray<string>
  /** What its hooks do wrong; ours only. */
  readonly misbehaviour?: Misbehaviour
  readonly onLog?: (chunk: Buffer) => void
}

export interface Victim {
  readonly kind: Kind
  readonly name: string
  readonly port: number
  readonly child: Child
  /** What it told of members whose names do not begin with `fake`, oldest first. */
  readonly changes: ReadonlyArray<Change>
  readonly join: (port: number) => Promise<unknown>
  /** Forgets how long its event loop has stood still until now. */
  readonly forget: () => Promise<void>
  /** `undefined` when it does not answer in time. */
  readonly report: (names: ReadonlyArray<string>, millis?: number) => Promise<Report | undefined>
}

const START_MILLIS = 60_000

const eventNames: ReadonlySet<unknown> = new Set(["joined", "suspected", "recovered", "failed", "left"])

const changeOf = (fields: Fields): Change | undefined => {
  const { at, event, node } = fields as { event: Change["event"]; at: number; node?: { readonly name: string } }
  return node === undefined || !eventNames.has(event) || node.name.startsWith(FAKE)
    ? undefined
    : { event, at, name: node.name }
}

/** Starts `command` and its node. Throws what it says when it cannot. */
const launch = async (
  kind: Kind,
  session: Session,
  command: ReadonlyArray<string>,
  options: VictimOptions,
  start: Fields
): Promise<Victim> => {
  const changes: Array<Change> = []
  const child = new Child(session, {
    name: options.name,
    command,
    onEvent: (fields) => {
      const change = changeOf(fields)
      if (change !== undefined) changes.push(change)
    },
    ...(options.onLog === undefined ? {} : { onLog: options.onLog })
  })
  const started = await within(START_MILLIS, child.ask("start", start))
  if (started === undefined) throw new Error(`${options.name} has not started within ${START_MILLIS / 1000} s`)
  return {
    kind,
    name: options.name,
    port: (started as { readonly port: number }).port,
    child,
    changes,
    join: (port) => child.ask("join", { addrs: [`127.0.0.1:${port}`] }),
    forget: async () => {
      if (kind === "ours") await child.ask("forget")
    },
    report: async (names, millis = 2_000) => {
      try {
        return (await within(millis, child.ask("report", { names }))) as Report | undefined
      } catch {
        return undefined
      }
    }
  }
}

const program = new URL("../victim.ts", import.meta.url)

export const startOurs = (session: Session, library: string, options: VictimOptions): Promise<Victim> =>
  launch("ours", session, node(program, library), options, {
    name: options.name,
    preset: options.preset ?? "lan",
    keys: options.keys ?? [],
    misbehaviour: options.misbehaviour
  })

export const startGo = async (session: Session, options: VictimOptions): Promise<Victim> => {
  const [primary, ...others] = options.keys ?? []
  const start: StartOptions & { readonly preset: string; readonly quiet: boolean } = {
    name: options.name,
    preset: options.preset ?? "lan",
    quiet: true,
    ...(primary === undefined ? {} : { secretKey: primary })
  }
  const victim = await launch("go", session, [binaryOf("current")], options, { ...start })
  for (const key of others) await victim.child.ask("keys", { op: "add", key })
  return victim
}

export const start = (
  kind: Kind,
  session: Session,
  library: string,
  options: VictimOptions
): Promise<Victim> => kind === "ours" ? startOurs(session, library, options) : startGo(session, options)
