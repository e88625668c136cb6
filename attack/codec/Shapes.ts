/**
 * A directed search for small messages that are much work: every message type, and in its body every kind of value that a
 * decoder has to walk through, at every place, compressed and as it is.
 */
import * as Compression from "../../src/wire/Compression.ts"
import * as Message from "../../src/wire/message/Message.ts"
import * as Compound from "../../src/wire/packet/Compound.ts"

export interface Shape {
  readonly shape: string
  readonly bytes: Uint8Array
}

/** What a datagram's compressed part may come to in any release, and what a plain one can hold. */
const DECOMPRESSED = 1_048_576
const PLAIN = 65_000
/** Streams may decompress to 40 MiB; a tenth shows what a whole one costs, ten times sooner. */
const STREAM = 4_194_304

const { Ack, Alive, Compound: CompoundType, Dead, IndirectPing, Nack, Ping, PushPull, Suspect, User } =
  Message.MessageType

const packetTypes: ReadonlyArray<readonly [string, number, firstKey: string]> = [
  ["ping", Ping, "SeqNo"],
  ["indirect ping", IndirectPing, "SeqNo"],
  ["ack", Ack, "SeqNo"],
  ["nack", Nack, "SeqNo"],
  ["suspect", Suspect, "Incarnation"],
  ["alive", Alive, "Vsn"],
  ["dead", Dead, "Incarnation"]
]
const streamTypes: ReadonlyArray<readonly [string, number, firstKey: string]> = [
  ["ping", Ping, "SeqNo"],
  ["push/pull", PushPull, "Nodes"],
  ["user message", User, "UserMsgLen"]
]

const NIL = 0xc0
const ARRAY32 = 0xdd
const MAP32 = 0xdf
const FIXARRAY1 = 0x91
const MAX_DEPTH = 1_000

const head = (kind: number, count: number): Uint8Array => {
  const out = new Uint8Array(5)
  out[0] = kind
  new DataView(out.buffer).setUint32(1, count)
  return out
}

const key = (name: string): Uint8Array => Uint8Array.from([0xa0 | name.length, ...Buffer.from(name)])

const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

const repeated = (part: Uint8Array, times: number): Uint8Array => {
  const out = new Uint8Array(part.length * times)
  for (let i = 0; i < times; i++) out.set(part, i * part.length)
  return out
}

/** Bodies of at most `room` bytes, for a type whose struct has the key `known`. */
const bodies = (room: number, known: string): ReadonlyArray<readonly [string, Uint8Array]> => {
  const pairs = (name: string, value: Uint8Array) => {
    const pair = concat(key(name), value)
    const count = Math.floor((room - 6) / pair.length)
    return concat(head(MAP32, count), repeated(pair, count))
  }
  const under = (name: string, kind: number, element: Uint8Array, perElement = 1) => {
    const around = concat(Uint8Array.of(0x81), key(name))
    const count = Math.floor((room - around.length - 6) / element.length)
    return concat(around, head(kind, Math.floor(count / perElement)), repeated(element, count))
  }
  const nested = repeated(Uint8Array.of(FIXARRAY1), MAX_DEPTH)
  const deep = concat(nested, Uint8Array.of(NIL))
  const nil = Uint8Array.of(NIL)
  const zero = Uint8Array.of(0)
  return [
    ["unknown keys", pairs("Z", nil)],
    ["unknown keys of no letter", pairs("", nil)],
    ["a known key repeated", pairs(known, zero)],
    ["a known key repeated as nil", pairs(known, nil)],
    ["an array under an unknown key", under("Z", ARRAY32, nil)],
    ["an array under a known key", under(known, ARRAY32, zero)],
    ["a map under an unknown key", under("Z", MAP32, nil, 2)],
    ["a map under a known key", under(known, MAP32, zero, 2)],
    ["nested arrays under an unknown key", under("Z", ARRAY32, deep)],
    ["empty maps under an unknown key", under("Z", ARRAY32, Uint8Array.of(0x80))],
    ["array form, too long", concat(head(ARRAY32, room - 6), new Uint8Array(room - 6).fill(NIL))]
  ]
}

const both = function*(shape: string, bytes: Uint8Array, plain: boolean): Generator<Shape> {
  if (plain) yield { shape, bytes }
  else yield { shape: `${shape}, compressed`, bytes: Compression.wrap(bytes) }
}

const messages = function*(
  types: typeof packetTypes,
  room: number,
  isPlain: boolean
): Generator<Shape> {
  for (const [name, type, known] of types) {
    for (const [what, body] of bodies(room, known)) {
      yield* both(`${name} with ${what}`, concat(Uint8Array.of(type), body), isPlain)
    }
  }
}

/** Compounds of as many parts as there is room for, in one another. */
const compounds = function*(room: number, isPlain: boolean): Generator<Shape> {
  const empty = new Uint8Array(0)
  for (const [name, part] of [["nothing", empty], ["one byte", Uint8Array.of(CompoundType)]] as const) {
    let whole = Compound.make(Array.from({ length: 255 }, () => part))
    for (let depth = 2; depth <= 3; depth++) {
      const parts = Math.min(255, Math.floor(room / (whole.length + 2)))
      if (parts < 2 || whole.length > 65_535) break
      whole = Compound.make(Array.from({ length: parts }, () => whole))
      yield* both(`compounds of ${name}, ${depth} deep`, whole, isPlain)
    }
  }
  const bare = Message.encode({
    _tag: "Ping",
    seqNo: 1,
    node: "",
    sourceAddr: new Uint8Array(0),
    sourcePort: 0,
    sourceNode: ""
  })
  const pings = Compound.make(Array.from({ length: 255 }, () => bare))
  const parts = Math.max(1, Math.min(255, Math.floor(room / (pings.length + 2))))
  yield* both("compounds of pings", Compound.make(Array.from({ length: parts }, () => pings)), isPlain)
  yield* both("a user message", concat(Uint8Array.of(User), new Uint8Array(room - 1)), isPlain)
}

/** Wrappers of the same bytes in one another: each is decompressed anew. */
const wrappers = function*(): Generator<Shape> {
  let whole = concat(Uint8Array.of(User), new Uint8Array(DECOMPRESSED - 100))
  for (let depth = 1; depth <= 4; depth++) whole = Compression.wrap(whole)
  yield { shape: "a user message, compressed 4 times", bytes: whole }
  const small = Compression.wrap(concat(Uint8Array.of(User), new Uint8Array(100_000)))
  const many = Compound.make(Array.from({ length: 100 }, () => small))
  yield { shape: "a compound of 100 compressed user messages", bytes: many }
}

/** Every datagram of the search. */
export const datagrams = function*(): Generator<Shape> {
  for (const isPlain of [true, false]) {
    const room = isPlain ? PLAIN : DECOMPRESSED - 16
    yield* messages(packetTypes, room, isPlain)
    yield* compounds(room, isPlain)
  }
  yield* wrappers()
}

/** Every stream of the search. */
export const streams = function*(): Generator<Shape> {
  for (const isPlain of [true, false]) yield* messages(streamTypes, STREAM, isPlain)
}
