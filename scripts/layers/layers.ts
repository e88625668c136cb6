/**
 * The layers of `src` and what each may import. One table, read by the lint rule `layers/imports`.
 *
 * Imports point one way: `NodeMemberlist → Memberlist → engine → swim, wire → domain → config → errors → base`, where the
 * domain is the files that lie directly in `src`. Beside the engine stand `node`, which knows the domain alone, and
 * `testing`. The rules (`swim`) and the bytes (`wire`) are pure: they know data, no service.
 *
 * On top stand the extensions, each an entry of the package by itself: they are made of the public files, as a program of
 * a user is, and of a folder of their own. No layer knows them; `node` knows the services that `rpc` needs from it.
 */

type Layer =
  | "frontDoor"
  | "agent"
  | "NodeMemberlist"
  | "node"
  | "testing"
  | "extensions"
  | "metadata"
  | "ring"
  | "rpc"
  | "topic"
  | "map"
  | "runners"
  | "MemberMeta"
  | "Memberlist"
  | "engine"
  | "swim"
  | "wire"
  | "domain"
  | "config"
  | "errors"
  | "base"

interface Allowance {
  /** Layers it may import from, besides itself. */
  readonly layers: ReadonlyArray<Layer>
  /** Effect modules and packages, as whole import specifiers. */
  readonly packages: RegExp
  /** Node's own modules, without the prefix `node:`. */
  readonly builtins: RegExp
}

const nothing = /^$/

/** Effect modules that only describe data. Everything with a runtime, a clock, a queue or a service is absent. */
const dataModules = new RegExp(
  `^effect/(${
    [
      "Array|BigInt|Boolean|Brand|Bytes|Cause|Chunk|Combiner|Data|Duration|Equal|Equivalence|Exit|Filter|Function|Hash",
      "HashMap|HashSet|Iterable|Match|MutableHashMap|MutableHashSet|MutableList|Newtype|Number|Option|Order|Ordering|Pipeable|Predicate",
      "Record|Reducer|Redacted|RegExp|Result|Schema|SchemaAST|SchemaGetter|SchemaIssue|SchemaParser|SchemaTransformation",
      "String|Struct|Symbol|Trie|Tuple|Types|UndefinedOr|Utils|encoding/\\w+|net/NetAddress|net/IpNetwork"
    ].join("|")
  })$`
)

/** Every module of Effect that knows no platform: no sockets, files, processes or terminals. */
const platformFree =
  /^effect\/(?!FileSystem$|Path$|Stdio$|Terminal$|PlatformError$)([A-Z]\w*|crypto\/\w+|encoding\/\w+|net\/\w+)$/

/** The same, and Effect's own remote procedure calls and sockets, as services: they know no platform either. */
const withRpc = new RegExp(`${platformFree.source}|^effect/(rpc|socket)/\\w+$`)

/** Effect Cluster, for what is made for it alone. */
const effectCluster = /^effect\/cluster\/[A-Z]\w*$/

const anyEffect = /^effect\/([\w-]+\/)?[A-Z]\w*$|^@effect\/platform-node\/[A-Z]\w*$/

/** Timers and clocks are Effect's, whoever asks. */
const anyBuiltin = /^(?!timers|perf_hooks|test)/

/** What users import and is no part of the protocol: services, data and errors. */
const domain: ReadonlyArray<Layer> = ["domain", "errors", "base"]
const protocol: ReadonlyArray<Layer> = ["engine", "swim", "wire", ...domain]

const layers: Record<Layer, Allowance> = {
  base: { layers: [], packages: dataModules, builtins: nothing },
  errors: { layers: ["base"], packages: new RegExp(`${dataModules.source}|^effect/Inspectable$`), builtins: nothing },
  config: { layers: ["errors", "base"], packages: platformFree, builtins: nothing },
  domain: { layers: ["config", "errors", "base"], packages: platformFree, builtins: nothing },
  swim: { layers: domain, packages: dataModules, builtins: nothing },
  wire: { layers: domain, packages: dataModules, builtins: /^(crypto|zlib|buffer)$/ },
  engine: { layers: ["swim", "wire", ...domain], packages: platformFree, builtins: nothing },
  Memberlist: { layers: protocol, packages: platformFree, builtins: nothing },
  testing: {
    layers: ["Memberlist", ...protocol],
    packages: new RegExp(`${platformFree.source}|^effect/testing/\\w+$`),
    builtins: nothing
  },
  metadata: { layers: domain, packages: dataModules, builtins: nothing },
  ring: { layers: domain, packages: dataModules, builtins: nothing },
  rpc: { layers: ["Memberlist", ...domain], packages: withRpc, builtins: nothing },
  topic: { layers: ["metadata", "Memberlist", ...domain], packages: platformFree, builtins: nothing },
  map: { layers: ["topic", ...domain], packages: platformFree, builtins: nothing },
  MemberMeta: { layers: ["metadata", "Memberlist", ...domain], packages: platformFree, builtins: nothing },
  runners: {
    layers: ["MemberMeta", "Memberlist", ...domain],
    packages: new RegExp(`${platformFree.source}|${effectCluster.source}`),
    builtins: nothing
  },
  extensions: {
    layers: ["MemberMeta", "metadata", "ring", "rpc", "topic", "map", "runners", "Memberlist", ...domain],
    packages: withRpc,
    builtins: nothing
  },
  node: { layers: ["rpc", ...domain], packages: anyEffect, builtins: anyBuiltin },
  NodeMemberlist: { layers: ["node", "Memberlist", ...domain], packages: platformFree, builtins: nothing },
  agent: {
    // frames of topics are no messages to an application
    layers: [
      "frontDoor",
      "extensions",
      "MemberMeta",
      "topic",
      "NodeMemberlist",
      "node",
      "testing",
      "Memberlist",
      "config",
      ...domain
    ],
    packages: new RegExp(`${anyEffect.source}|^effect/testing/\\w+$`),
    builtins: anyBuiltin
  },
  frontDoor: {
    layers: ["NodeMemberlist", "node", "Memberlist", ...protocol],
    packages: nothing,
    builtins: nothing
  }
}

/** Files of the domain that are services: closed to the pure layers. */
const services = new Set([
  "src/Delegate.ts",
  "src/Keyring.ts",
  "src/Lateness.ts",
  "src/MemberlistConfig.ts",
  "src/Seeds.ts",
  "src/Snapshots.ts",
  "src/Transport.ts"
])
const pureLayers: ReadonlySet<Layer> = new Set(["swim", "wire", "metadata", "ring"])

/**
 * What single files import beside that: a service of Effect's which one of their layers is made of, and how busy the event
 * loop was, which is no clock.
 */
const exceptions: ReadonlyMap<string, RegExp> = new Map([
  ["src/MemberlistRunnerHealth.ts", effectCluster],
  ["src/MemberlistRunners.ts", effectCluster],
  ["src/node/NodeLateness.ts", /^node:perf_hooks$/],
  ["src/ReplicatedMap.ts", /^effect\/persistence\/KeyValueStore$/],
  ["src/map/Persistence.ts", /^effect\/persistence\/KeyValueStore$/],
  ["src/Snapshots.ts", /^effect\/(FileSystem|PlatformError|persistence\/KeyValueStore)$/]
])

const isLayer = (name: string): name is Layer => Object.hasOwn(layers, name)

/** Files directly in `src` that are no part of the domain. */
const alone: ReadonlyMap<string, Layer> = new Map([
  ["index.ts", "frontDoor"],
  // built on the rules: the service, and what it offers of them as values
  ["Memberlist.ts", "Memberlist"],
  ["TransmitLimitedQueue.ts", "Memberlist"],
  // built on the service, and an entry of the package each
  ["MemberMeta.ts", "MemberMeta"],
  ["MemberlistRunnerHealth.ts", "extensions"],
  ["MemberlistRunners.ts", "extensions"],
  ["MemberRpc.ts", "extensions"],
  ["ReplicatedMap.ts", "extensions"],
  ["Ring.ts", "extensions"],
  ["Topic.ts", "extensions"],
  // built on the service and the sockets
  ["NodeMemberlist.ts", "NodeMemberlist"],
  // below the configuration, which fails with them
  ["MemberlistError.ts", "errors"]
])

/** The folders, in which a whole layer lies. */
const folders: ReadonlySet<Layer> = new Set([
  "agent",
  "node",
  "testing",
  "metadata",
  "ring",
  "rpc",
  "topic",
  "map",
  "runners",
  "engine",
  "swim",
  "wire",
  "config",
  "base"
])

/** The layer of a file given by its path from the repository root, with `/`; `undefined` for an unknown folder. */
export const layerOf = (file: string): Layer | undefined => {
  const [, first = "", ...rest] = file.split("/")
  if (rest.length > 0) return isLayer(first) && folders.has(first) ? first : undefined
  return alone.get(first) ?? "domain"
}

const resolve = (file: string, specifier: string): string => {
  const path = file.split("/").slice(0, -1)
  for (const part of specifier.split("/")) {
    if (part === "..") path.pop()
    else if (part !== ".") path.push(part)
  }
  return path.join("/")
}

/**
 * Why `file` (path from the repository root, with `/`) may not import `specifier`; `undefined` when it may.
 */
export const objection = (file: string, specifier: string): string | undefined => {
  const layer = layerOf(file)
  if (layer === undefined) return `the folder of ${file} is no layer; add it to scripts/layers/layers.ts`
  const allowed = layers[layer]
  if (specifier.startsWith(".")) return fileObjection(layer, resolve(file, specifier))
  if (exceptions.get(file)?.test(specifier) === true) return undefined
  if (specifier.startsWith("node:")) {
    return allowed.builtins.test(specifier.slice("node:".length))
      ? undefined
      : `${layer} may not import ${specifier}; Node.js belongs to src/node and src/agent, clocks and timers to Effect`
  }
  if (specifier === "effect") return "import Effect's modules one by one (effect/Effect), not the barrel"
  return allowed.packages.test(specifier) ? undefined : `${layer} may not import ${specifier}`
}

const fileObjection = (layer: Layer, target: string): string | undefined => {
  if (!target.startsWith("src/")) return `src may not import ${target}, which is not published`
  if (!target.endsWith(".ts")) return `write the extension: ${target}.ts`
  const other = layerOf(target)
  if (other === undefined) return `the folder of ${target} is no layer`
  if (other === layer) return undefined
  if (!layers[layer].layers.includes(other)) return `${layer} may not import ${other}: imports point the other way`
  if (pureLayers.has(layer) && services.has(target)) return `${layer} is pure and may not import the service ${target}`
  return undefined
}
