/** What imports what in `src`, as the sources say it, and the pictures of it: the layers, and the folders of one layer. */
import { layerOf as layerOfFile } from "../layers/layers.ts"
import type { Edge, Graph } from "./graph.ts"

/** A file of `src` and the files of `src` that it imports; all by their paths from the root. */
export interface Module {
  readonly file: string
  readonly imports: ReadonlyArray<string>
}

const IMPORT = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g

const resolve = (file: string, specifier: string): string => {
  const path = file.split("/").slice(0, -1)
  for (const part of specifier.split("/")) {
    if (part === "..") path.pop()
    else if (part !== ".") path.push(part)
  }
  return path.join("/")
}

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\//g, "")

export const modules = (sources: ReadonlyMap<string, string>): ReadonlyArray<Module> =>
  [...sources].map(([file, text]) => ({
    file,
    imports: [...withoutComments(text).matchAll(IMPORT)].map((match) => resolve(file, match[1] ?? ""))
  }))

/** Arrows between groups of files, with how many imports each stands for. Files without a group are left out. */
const arrows = (
  all: ReadonlyArray<Module>,
  groupOf: (file: string) => string | undefined
): ReadonlyMap<string, ReadonlyMap<string, number>> => {
  const found = new Map<string, Map<string, number>>()
  for (const { file, imports } of all) {
    const from = groupOf(file)
    if (from === undefined) continue
    const targets = found.get(from) ?? new Map<string, number>()
    found.set(from, targets)
    for (const target of imports) {
      const to = groupOf(target)
      if (to !== undefined && to !== from) targets.set(to, (targets.get(to) ?? 0) + 1)
    }
  }
  return found
}

/** Whether there is a way from one to the other that is longer than one arrow. */
const isImplied = (from: string, to: string, found: ReadonlyMap<string, ReadonlyMap<string, number>>): boolean => {
  const seen = new Set([from])
  const left = [...(found.get(from)?.keys() ?? [])].filter((next) => next !== to)
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next === to) return true
    if (seen.has(next)) continue
    seen.add(next)
    left.push(...(found.get(next)?.keys() ?? []))
  }
  return false
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`

/** What a layer is for, by its name in the table of layers. A layer that is not here stands without it. */
const purposes: Readonly<Record<string, readonly [string, string]>> = {
  frontDoor: ["index", "what users import"],
  Memberlist: ["service", "Memberlist, TransmitLimitedQueue"],
  node: ["node", "UDP, TCP and DNS of Node.js"],
  testing: ["testing", "simulated network, virtual time"],
  extensions: ["extensions", "Ring, Topic, MemberRpc and others: each an entry of the package"],
  MemberMeta: ["MemberMeta", "typed values: an entry of the package"],
  runners: ["runners", "what members announce for Effect Cluster"],
  metadata: ["metadata", "sections of bytes and their values: pure"],
  ring: ["ring", "the points of members: pure"],
  rpc: ["rpc", "calls to members, ended by membership"],
  topic: ["topic", "messages to all that take part"],
  map: ["map", "copies of a map, and how they become equal"],
  engine: ["engine", "the fibers: time, chance, I/O"],
  swim: ["swim", "the rules: pure"],
  wire: ["wire", "the bytes: pure"],
  domain: ["domain", "Member, Transport, Delegate, configuration, errors"],
  base: ["base", "addresses and other shared values"]
}

const fills = ["#ddf4ff", "#dafbe1", "#fff8c5", "#ffe9d9", "#fbefff", "#f6f8fa"]

/** The layers of `src`. Arrows that others imply are light. */
export const layers = (all: ReadonlyArray<Module>): Graph => {
  const layerOf = (file: string): string => layerOfFile(file) ?? file.split("/")[1] ?? file
  const found = arrows(all, layerOf)
  const names = [...found.keys()].sort()
  const edges = names.flatMap((from): ReadonlyArray<Edge> =>
    [...(found.get(from) ?? [])].sort().map(([to]) => ({ from, to, light: isImplied(from, to, found) }))
  )
  return {
    title: "The layers of src (arrows: imports; light: implied by others)",
    direction: "TB",
    nodes: names.map((id, i) => {
      const [name, purpose] = purposes[id] ?? [id, ""]
      const size = count(all.filter(({ file }) => layerOf(file) === id).length, "file")
      return { id, label: [name, ...(purpose === "" ? [] : [purpose]), size], fill: fills[i % fills.length] ?? "white" }
    }),
    edges
  }
}

/** Which ways run back, when every folder imports as much as possible from those after it. */
const backwards = (
  names: ReadonlyArray<string>,
  found: ReadonlyMap<string, ReadonlyMap<string, number>>
): ReadonlySet<string> => {
  // the order in which a folder comes before those it imports more from than they import from it
  const order: Array<string> = []
  const left = new Set(names)
  const weight = (from: string, to: string): number => found.get(from)?.get(to) ?? 0
  while (left.size > 0) {
    const [next] = [...left].sort((a, b) => {
      const balance = (name: string) =>
        [...left].reduce((sum, other) => sum + weight(name, other) - weight(other, name), 0)
      return balance(b) - balance(a) || a.localeCompare(b)
    })
    if (next === undefined) break
    order.push(next)
    left.delete(next)
  }
  const place = new Map(order.map((name, i) => [name, i]))
  return new Set(names.flatMap((from) =>
    [...(found.get(from)?.keys() ?? [])]
      .filter((to) => (place.get(to) ?? 0) < (place.get(from) ?? 0))
      .map((to) => `${from} ${to}`)
  ))
}

/** The folders of a layer. The files that lie in the layer itself belong to all of them, and are left out. */
export const folders = (all: ReadonlyArray<Module>, layer: string): Graph => {
  const folderOf = (file: string): string | undefined => {
    const [src, first, folder, ...rest] = file.split("/")
    return src === "src" && first === layer && rest.length > 0 ? folder : undefined
  }
  const found = arrows(all, folderOf)
  const names = [...found.keys()].sort()
  const back = backwards(names, found)
  return {
    title: `src/${layer}: imports between its folders (dashed: back)`,
    direction: "TB",
    space: [0.35, 0.5],
    nodes: names.map((id, i) => ({
      id,
      label: [id, count(all.filter(({ file }) => folderOf(file) === id).length, "file")],
      fill: fills[i % fills.length] ?? "white"
    })),
    edges: names.flatMap((from): ReadonlyArray<Edge> =>
      [...(found.get(from) ?? [])].sort().map(([to, number]) => ({
        from,
        to,
        label: [String(number)],
        back: back.has(`${from} ${to}`)
      }))
    )
  }
}

const FIRST_SENTENCE = /^(?:#!.*\n)?\/\*\*\s*([\s\S]*?)\*\//

/** The first sentence of a file's comment, on one line. */
const summary = (text: string): string => {
  const comment = (FIRST_SENTENCE.exec(text)?.[1] ?? "").split("\n").map((line) => line.replace(/^\s*\* ?/, "").trim())
  const end = comment.findIndex((line) => line === "" || line.startsWith("@"))
  const words = comment.slice(0, end < 0 ? undefined : end).join(" ").trim()
  return /^.*?[^.\d][.:?](?= [A-Z`]| memberlist\b|$)/.exec(words)?.[0].replace(/:$/, ".") ?? words
}

/** The page that lists every file with what it says of itself. */
export const listing = (sources: ReadonlyMap<string, string>): string => {
  const folders = new Map<string, Array<string>>()
  for (const [file, text] of sources) {
    const at = file.lastIndexOf("/")
    const lines = folders.get(file.slice(0, at)) ?? []
    folders.set(file.slice(0, at), lines)
    lines.push(`- [${file.slice(at + 1, -".ts".length)}](../../${file}): ${summary(text)}`)
  }
  const sections = [...folders].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([folder, lines]) => `## ${folder}\n\n${lines.join("\n")}\n`)
  return `# The files of src

<!-- Generated from the first sentence of each file's comment by \`npm run write-architecture\`; change it there. -->

How they belong together is in [architecture.md](../architecture.md).

${sections.join("\n")}`
}
