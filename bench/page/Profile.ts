/** Whose code a profile found the main thread in. */
import type { Profiler } from "node:inspector"

export const kinds = ["ours", "Effect", "Node.js", "native code", "garbage collection"] as const
export type Kind = typeof kinds[number]

/** Returns whose a function is; nothing where nobody works, and for what looks. */
export const kindOf = ({ functionName, url }: Profiler.ProfileNode["callFrame"]): Kind | undefined => {
  if (functionName === "(idle)" || url.startsWith("node:inspector")) return undefined
  if (functionName === "(garbage collector)") return "garbage collection"
  if (url.startsWith("node:")) return "Node.js"
  if (/\/node_modules\/@?effect\//.test(url)) return "Effect"
  if (/\/(?:effect-memberlist\/dist|programs|src|bench)\//.test(url)) return "ours"
  // functions of V8 and of the system have no file
  return "native code"
}

interface Summary {
  /** Microseconds of the main thread in all. */
  readonly busy: number
  readonly byKind: Readonly<Record<Kind, number>>
  /** Functions, with the microseconds in themselves, most first. */
  readonly functions: ReadonlyArray<readonly [kind: Kind, title: string, micros: number]>
}

/** Returns how the time of the main thread is divided. What looks at it takes some of it, and more of another thread's. */
export const summary = (profile: Profiler.Profile): Summary => {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const byKind: Record<Kind, number> = {
    "ours": 0,
    "Effect": 0,
    "Node.js": 0,
    "native code": 0,
    "garbage collection": 0
  }
  const functions = new Map<string, [Kind, string, number]>()
  let busy = 0
  for (const [i, id] of (profile.samples ?? []).entries()) {
    const node = nodes.get(id)
    const kind = node && kindOf(node.callFrame)
    if (node === undefined || kind === undefined) continue
    const took = profile.timeDeltas?.[i] ?? 0
    busy += took
    byKind[kind] += took
    const { functionName, lineNumber, url } = node.callFrame
    const title = functionName || "(unnamed)"
    const key = `${url}:${lineNumber}:${title}`
    const found = functions.get(key)
    if (found === undefined) functions.set(key, [kind, title, took])
    else found[2] += took
  }
  return { busy, byKind, functions: [...functions.values()].toSorted(([, , a], [, , b]) => b - a) }
}

/** A profile, and in what its time is told: so many microseconds are one of the unit. */
export interface Profiled {
  readonly profile: Profiler.Profile
  readonly unit: string
  readonly scale: number
}

/** Returns a table of whose code it was, and of the functions that took the most, so many of each kind. */
export const profiles = ({ profile, scale, unit }: Profiled, functions: number) => {
  const { busy, byKind, functions: all } = summary(profile)
  const row = (title: string, micros: number) => [
    title,
    (micros / scale).toFixed(0),
    `${(100 * micros / busy).toFixed(0)} %`
  ]
  const named = (kind: Kind) =>
    all.filter(([of]) => of === kind).slice(0, functions).map(([, title, micros]) => row(`${kind}: ${title}`, micros))
  return {
    header: ["", unit, "of all"],
    rows: [
      ...kinds.map((kind) => row(kind, byKind[kind])),
      ...kinds.filter((kind) => kind !== "garbage collection").flatMap(named)
    ]
  }
}
