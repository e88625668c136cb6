/**
 * The rooms of `src` and what each may import. One table, read by the lint rule `house/imports`.
 *
 * Imports point one way: `NodeMemberlist → Memberlist → engine → swim, wire → domain → config → errors → base`, where the
 * domain is the files that lie directly in `src`. Beside the engine stand `node`, which knows the domain alone, and
 * `testing`. The rules (`swim`) and the bytes (`wire`) are pure: they know data, no service.
 */

type Room =
  | "frontDoor"
  | "agent"
  | "NodeMemberlist"
  | "node"
  | "testing"
  | "Memberlist"
  | "engine"
  | "swim"
  | "wire"
  | "domain"
  | "config"
  | "errors"
  | "base"

interface Allowance {
  /** Rooms it may import from, besides itself. */
  readonly rooms: ReadonlyArray<Room>
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
      "Array|BigInt|Boolean|Brand|Bytes|Chunk|Combiner|Data|Duration|Equal|Equivalence|Filter|Function|Hash|HashMap|HashSet",
      "Iterable|Match|MutableHashMap|MutableHashSet|MutableList|Newtype|Number|Option|Order|Ordering|Pipeable|Predicate",
      "Record|Reducer|Redacted|RegExp|Result|Schema|SchemaAST|SchemaGetter|SchemaIssue|SchemaParser|SchemaTransformation",
      "String|Struct|Symbol|Trie|Tuple|Types|UndefinedOr|Utils|encoding/\\w+|net/NetAddress|net/IpNetwork"
    ].join("|")
  })$`
)

/** Every module of Effect that knows no platform: no sockets, files, processes or terminals. */
const platformFree =
  /^effect\/(?!FileSystem$|Path$|Stdio$|Terminal$|PlatformError$)([A-Z]\w*|crypto\/\w+|encoding\/\w+|net\/\w+)$/

const anyEffect = /^effect\/(\w+\/)?[A-Z]\w*$|^@effect\/platform-node\/[A-Z]\w*$/

/** Timers and clocks are Effect's, whoever asks. */
const anyBuiltin = /^(?!timers|perf_hooks|test)/

/** What users import and is no part of the protocol: services, data and errors. */
const domain: ReadonlyArray<Room> = ["domain", "errors", "base"]
const protocol: ReadonlyArray<Room> = ["engine", "swim", "wire", ...domain]

const rooms: Record<Room, Allowance> = {
  base: { rooms: [], packages: dataModules, builtins: nothing },
  errors: { rooms: ["base"], packages: new RegExp(`${dataModules.source}|^effect/Inspectable$`), builtins: nothing },
  config: { rooms: ["errors", "base"], packages: platformFree, builtins: nothing },
  domain: { rooms: ["config", "errors", "base"], packages: platformFree, builtins: nothing },
  swim: { rooms: domain, packages: dataModules, builtins: nothing },
  wire: { rooms: domain, packages: dataModules, builtins: /^(crypto|zlib|buffer)$/ },
  engine: { rooms: ["swim", "wire", ...domain], packages: platformFree, builtins: nothing },
  Memberlist: { rooms: protocol, packages: platformFree, builtins: nothing },
  testing: {
    rooms: ["Memberlist", ...protocol],
    packages: new RegExp(`${platformFree.source}|^effect/testing/\\w+$`),
    builtins: nothing
  },
  node: { rooms: domain, packages: anyEffect, builtins: anyBuiltin },
  NodeMemberlist: { rooms: ["node", "Memberlist", ...domain], packages: platformFree, builtins: nothing },
  agent: {
    rooms: ["frontDoor", "NodeMemberlist", "node", "testing", "Memberlist", ...protocol],
    packages: new RegExp(`${anyEffect.source}|^effect/testing/\\w+$`),
    builtins: anyBuiltin
  },
  frontDoor: {
    rooms: ["NodeMemberlist", "node", "Memberlist", ...protocol],
    packages: nothing,
    builtins: nothing
  }
}

/** Files of the domain that are services: closed to the pure rooms. */
const services = new Set(["src/Delegate.ts", "src/Keyring.ts", "src/MemberlistConfig.ts", "src/Transport.ts"])
const pureRooms: ReadonlySet<Room> = new Set(["swim", "wire"])

const isRoom = (name: string): name is Room => Object.hasOwn(rooms, name)

/** Files directly in `src` that are no part of the domain. */
const alone: ReadonlyMap<string, Room> = new Map([
  ["index.ts", "frontDoor"],
  // built on the rules: the service, and what it offers of them as values
  ["Memberlist.ts", "Memberlist"],
  ["TransmitLimitedQueue.ts", "Memberlist"],
  // built on the service and the sockets
  ["NodeMemberlist.ts", "NodeMemberlist"],
  // below the configuration, which fails with them
  ["MemberlistError.ts", "errors"]
])

/** The folders, in which a whole room lies. */
const folders: ReadonlySet<Room> = new Set(["agent", "node", "testing", "engine", "swim", "wire", "config", "base"])

/** The room of a file given by its path from the repository root, with `/`; `undefined` for an unknown folder. */
export const roomOf = (file: string): Room | undefined => {
  const [, first = "", ...rest] = file.split("/")
  if (rest.length > 0) return isRoom(first) && folders.has(first) ? first : undefined
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
  const room = roomOf(file)
  if (room === undefined) return `the folder of ${file} is not a room of the house; add it to scripts/house/rooms.ts`
  const allowed = rooms[room]
  if (specifier.startsWith(".")) return fileObjection(room, resolve(file, specifier))
  if (specifier.startsWith("node:")) {
    return allowed.builtins.test(specifier.slice("node:".length))
      ? undefined
      : `${room} may not import ${specifier}; Node.js belongs to src/node and src/agent, clocks and timers to Effect`
  }
  if (specifier === "effect") return "import Effect's modules one by one (effect/Effect), not the barrel"
  return allowed.packages.test(specifier) ? undefined : `${room} may not import ${specifier}`
}

const fileObjection = (room: Room, target: string): string | undefined => {
  if (!target.startsWith("src/")) return `src may not import ${target}, which is not published`
  if (!target.endsWith(".ts")) return `write the extension: ${target}.ts`
  const other = roomOf(target)
  if (other === undefined) return `the folder of ${target} is not a room of the house`
  if (other === room) return undefined
  if (!rooms[room].rooms.includes(other)) return `${room} may not import ${other}: imports point the other way`
  if (pureRooms.has(room) && services.has(target)) return `${room} is pure and may not import the service ${target}`
  return undefined
}
