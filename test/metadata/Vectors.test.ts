/**
 * Bytes of typed metadata as they were written once. Members of a rolling upgrade run different versions of Effect and of
 * this library: a change here is a break between them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as MemberMeta from "../../src/MemberMeta.ts"
import { bytes, hex, packed } from "../support/Hex.ts"
import { Endpoint, Everything, NewerWorker, OtherWorker, Worker } from "../support/MetaSchemas.ts"
import vectors from "./vectors.json" with { type: "json" }

const worker = MemberMeta.make(Worker)
const newer = MemberMeta.make(NewerWorker)
const other = MemberMeta.make(OtherWorker)
const endpoint = MemberMeta.make(Endpoint, { name: "rpc" })
const everything = MemberMeta.make(Everything, { name: "Ω" })

const mail = { role: "mail", weight: 2 }
const socket = new Endpoint({ host: "10.0.0.1", port: 8080, protocol: "socket" })
const all: typeof Everything.Type = {
  text: "grün 🌳",
  flag: true,
  small: -7,
  large: 1e300,
  part: 0.25,
  bytes: Uint8Array.of(0, 255),
  list: [1, 2, 300],
  when: DateTime.makeUnsafe("2025-01-02T03:04:05.678Z"),
  pause: Duration.seconds(30),
  maybe: Option.some("yes"),
  endpoint: new Endpoint({ host: "::1", port: 1, protocol: "http" }),
  work: { _tag: "Busy", since: 12 }
}

/** A value is written as a vector, and the vector is read as the value. */
const same = <A, Name extends string>(
  name: keyof typeof vectors,
  meta: MemberMeta.MemberMeta<A, Name>,
  value: A,
  beside?: Uint8Array
) =>
  it(`are those of ${name}`, () => {
    const vector = vectors[name]
    assert.strictEqual(hex(Result.getOrThrow(meta.encode(value, beside))), packed(vector))
    // a duration of seconds comes back as one of nanoseconds, which is equal
    assert.isTrue(Equal.equals(read(meta, name), Option.some(value)), `${String(read(meta, name))}`)
  })

const read = <A, Name extends string>(
  meta: MemberMeta.MemberMeta<A, Name>,
  name: keyof typeof vectors
): Option.Option<A> => Result.getOrThrow(meta.decode({ name: "a", meta: bytes(vectors[name]) }))

describe("the bytes of typed metadata", () => {
  same("worker", worker, mail)
  same("newer worker", newer, { ...mail, zone: "eu-1" })
  same("other worker", other, { ...mail, labels: { a: "1" } })
  same("endpoint", endpoint, socket)
  same("everything", everything, all)
  same("worker and endpoint", endpoint, socket, bytes(vectors.worker))
  same("worker and endpoint", worker, mail, bytes(vectors.endpoint))
})

describe("members of a rolling upgrade", () => {
  it("read a newer writer's value without the field that they do not know", () => {
    assert.deepStrictEqual(read(worker, "newer worker"), Option.some(mail))
    assert.deepStrictEqual(read(worker, "other worker"), Option.some(mail))
  })

  it("read an older writer's value without the optional field that it does not know", () => {
    assert.deepStrictEqual(read(newer, "worker"), Option.some(mail))
  })

  it("read the value of a writer that knows another field and misses one", () => {
    assert.deepStrictEqual(read(newer, "other worker"), Option.some(mail))
    assert.deepStrictEqual(read(other, "newer worker"), Option.some(mail))
  })

  it("are not in each other's lists where a field is missing that is not optional", () => {
    const result = newer.decode({ name: "a", meta: bytes(vectors.endpoint.replace("03 727063", "03 617070")) })
    assert.isTrue(Result.isFailure(result))
  })

  it("pass over the sections of others", () => {
    assert.deepStrictEqual(read(worker, "endpoint"), Option.none())
    assert.deepStrictEqual(read(worker, "worker and endpoint"), Option.some(mail))
  })
})
