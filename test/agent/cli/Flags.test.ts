import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import * as AgentSettings from "../../../src/agent/AgentSettings.ts"
import * as Flags from "../../../src/agent/cli/Flags.ts"

describe("an agent's address", () => {
  const good: ReadonlyArray<readonly [text: string, url: string]> = [
    ["127.0.0.1:7980", "http://127.0.0.1:7980"],
    ["node-1.internal:80", "http://node-1.internal"],
    ["[::1]:7980", "http://[::1]:7980"],
    ["http://10.0.0.1:7980", "http://10.0.0.1:7980"],
    ["0.0.0.0:7980", "http://127.0.0.1:7980"],
    ["[::]:7980", "http://[::1]:7980"],
    ["https://agent.example/one/", "https://agent.example/one"]
  ]
  for (const [text, url] of good) {
    it(`is read: ${text}`, () => expect(Flags.agentUrl(text)).toEqual(Option.some(url)))
  }

  const bad = [
    "",
    "7980",
    ":7980",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:70000",
    "127.0.0.1:0",
    "127.0.0.1:12x",
    "::1:7980",
    "a b:7980",
    "ftp://host:1",
    "http://",
    "user:secret@host:7980",
    "http://user:secret@host:7980",
    "http://host:7980/?token=1",
    "host:7980/members"
  ]
  for (const text of bad) {
    it(`is refused: ${JSON.stringify(text)}`, () => expect(Flags.agentUrl(text)).toEqual(Option.none()))
  }
})

it("has the default of the agent", () => {
  expect(Flags.DEFAULT_HTTP).toBe(AgentSettings.DEFAULT_HTTP)
})

describe("a time", () => {
  const good: ReadonlyArray<readonly [text: string, millis: number]> = [
    ["500ms", 500],
    ["5s", 5000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
    ["500 millis", 500],
    ["30 seconds", 30_000]
  ]
  for (const [text, millis] of good) {
    it(`is read: ${text}`, () =>
      expect(Option.map(Flags.duration(text), Duration.toMillis)).toEqual(Option.some(millis)))
  }

  for (const text of ["", "5", "-5s", "0s", "s", "5 parsecs", "Infinity", "1e9s", "5s5s"]) {
    it(`is refused: ${JSON.stringify(text)}`, () => expect(Flags.duration(text)).toEqual(Option.none()))
  }
})

it("reads bytes in a second, and shares", () => {
  expect(
    ["20kB/s", "20kB", "20 kB/s", "20000", "1.5MB/s", "2KiB/s"].map((text) => Option.getOrThrow(Flags.byteRate(text)))
  )
    .toEqual([20_000, 20_000, 20_000, 20_000, 1_500_000, 2048])
  for (const text of ["", "0", "-1", "20k", "20kb/s", "kB", "1e3", "20kB/h"]) {
    expect(Flags.byteRate(text)).toEqual(Option.none())
  }
  expect(["1%", "0.01", "0", "2.5 %", "100%"].map((text) => Option.getOrThrow(Flags.share(text)))).toEqual([
    0.01,
    0.01,
    0,
    0.025,
    1
  ])
  for (const text of ["", "%", "-1%", "101%", "2", "one"]) expect(Flags.share(text)).toEqual(Option.none())
})
