/**
 * Flags and arguments that several commands have, and how their text is read.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Address from "../../base/Address.ts"
import * as SeedText from "../../base/SeedText.ts"

/**
 * Where an agent listens for commands unless it is told otherwise.
 *
 * @category defaults
 * @since 0.1.0
 */
export const DEFAULT_HTTP = "127.0.0.1:7980"

/** Where an agent listens on all addresses it is reached on this machine by loopback. */
const loopbacks: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "[::]": "[::1]" }

/**
 * Returns the URL that an agent's address stands for: `HOST:PORT`, `[IPv6]:PORT`, or the URL itself.
 *
 * @category conversions
 * @since 0.1.0
 */
export const agentUrl = (text: string): Option.Option<string> => {
  const isUrl = /^https?:\/\//.test(text)
  if (!isUrl && !/^(\[[\da-fA-F:.]+\]|[^\s:/@[\]?#\\]+):\d{1,5}$/.test(text)) return Option.none()
  const url = isUrl ? text : `http://${text}`
  if (!URL.canParse(url)) return Option.none()
  const parsed = new URL(url)
  parsed.hostname = loopbacks[parsed.hostname] ?? parsed.hostname
  const { hash, host, password, pathname, port, protocol, search, username } = parsed
  const isPlain = hash === "" && search === "" && username === "" && password === "" && port !== "0"
  return isPlain ? Option.some(`${protocol}//${host}${pathname.replace(/\/+$/, "")}`) : Option.none()
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Returns the duration of a text such as `500ms`, `5s`, `1.5m` or `2 hours`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const duration = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const factor = unit === undefined ? undefined : units[unit]
  const read = factor === undefined
    ? Option.getOrUndefined(Duration.fromInput(text as Duration.Input))
    : Duration.millis(Number(amount) * factor)
  return read !== undefined && Duration.isFinite(read) && Duration.toMillis(read) >= 1
    ? Option.some(read)
    : Option.none()
}

/**
 * The duration that a flag gives.
 *
 * @category flags
 * @since 0.1.0
 */
export const durationFlag = (name: string, description: string): Flag.Flag<Duration.Duration> =>
  Flag.String(name).pipe(
    Flag.withMetavar("TIME"),
    Flag.withDescription(description),
    Flag.filterMap(duration, () => "a time with its unit, such as 500ms, 5s or 2m")
  )

const multiples: Readonly<Record<string, number>> = { "": 1, k: 1000, M: 1_000_000, Ki: 1024, Mi: 1_048_576 }

/**
 * Returns bytes in a second: `20kB/s`, `20kB`, `20000`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const byteRate = (text: string): Option.Option<number> => {
  const [, amount, multiple = ""] = /^(\d+(?:\.\d+)?) ?(?:(k|M|Ki|Mi)?B(?:\/s)?)?$/.exec(text) ?? []
  const bytes = amount === undefined ? 0 : Number(amount) * (multiples[multiple] ?? 1)
  return bytes > 0 ? Option.some(bytes) : Option.none()
}

/**
 * Returns a share: `1%`, `0.01`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const share = (text: string): Option.Option<number> => {
  const [, amount, percent] = /^(\d+(?:\.\d+)?) ?(%)?$/.exec(text) ?? []
  const value = Number(amount) / (percent === undefined ? 1 : 100)
  return amount !== undefined && value <= 1 ? Option.some(value) : Option.none()
}

/** Prints JSON. */
export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON, for programs"),
  Flag.withDefault(false)
)

/** The agent that a command talks to. */
export const http = Flag.String("http").pipe(
  Flag.withMetavar("HOST:PORT"),
  Flag.withDescription("The agent's HTTP address; default MEMBERLIST_HTTP, or " + DEFAULT_HTTP),
  Flag.withFallbackConfig(Config.String("MEMBERLIST_HTTP")),
  Flag.withDefault(DEFAULT_HTTP),
  Flag.filterMap(agentUrl, () => "HOST:PORT or a URL, as in 127.0.0.1:7980 (by --http or MEMBERLIST_HTTP)")
)

/**
 * What every command has that talks to an agent. Its token is in `MEMBERLIST_HTTP_TOKEN`, or in the file of
 * `MEMBERLIST_HTTP_TOKEN_FILE`, and not on the command line, where other users of the machine could read it.
 *
 * @category flags
 * @since 0.1.0
 */
export const remote = { http, json } as const

/** Where a seed listens that does not say so: memberlist's port. */
const SEED_PORT = 7946

/**
 * Returns a seed as it was written; what has several colons is an IPv6 address, or a mistake.
 *
 * @category conversions
 * @since 0.1.0
 */
export const asSeed = (text: string): Option.Option<string> => {
  const seed = SeedText.parse(text, SEED_PORT)
  const isSeed = seed !== undefined && (!seed.host.includes(":") || Address.ipBytes(seed.host) !== undefined)
  return isSeed ? Option.some(text) : Option.none()
}

/**
 * Seeds, one or more.
 *
 * @category arguments
 * @since 0.1.0
 */
export const seeds = Argument.String("seed").pipe(
  Argument.withDescription("Where a member may be found: [name/]host[:port]"),
  Argument.filterMap(asSeed, () => SeedText.expected),
  Argument.variadic({ min: 1 })
)

/**
 * The name of a member.
 *
 * @category arguments
 * @since 0.1.0
 */
export const member = Argument.String("name").pipe(
  Argument.withDescription("The member's name"),
  Argument.filterMap((name) => name === "" ? Option.none() : Option.some(name), () => "the name of a member")
)

/**
 * A message, or nothing: then it is read from standard input.
 *
 * @category arguments
 * @since 0.1.0
 */
export const message = Argument.String("message").pipe(
  Argument.withDescription(
    "The message as text; without it, what comes by standard input, a text without its last line break"
  ),
  Argument.optional
)

/**
 * Returns the value of a text that is JSON.
 *
 * @category conversions
 * @since 0.1.0
 */
export const jsonValue = (text: string): Option.Option<Schema.Json> => {
  try {
    return Option.some(JSON.parse(text, (_, value: unknown) => {
      // JSON has no infinity, though it can be written: 1e999
      if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError(String(value))
      return value
    }))
  } catch {
    return Option.none()
  }
}

/** What metadata looks like. */
export const JSON_EXPECTED = "JSON, such as '{\"role\":\"web\"}' (in quotes, so that the shell leaves it alone)"

/**
 * Metadata as JSON.
 *
 * @category arguments
 * @since 0.1.0
 */
export const meta = Argument.String("json").pipe(
  Argument.withDescription(
    "The metadata as JSON, null for none; 490 bytes fit, 4 fewer with each topic that the agent takes part in"
  ),
  Argument.filterMap(
    jsonValue,
    () => JSON_EXPECTED
  )
)

/**
 * Returns the IP address and port that a program is to bind: `HOST:PORT`, `[IPv6]:PORT`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const bindAddress = (text: string): Option.Option<{ readonly host: string; readonly port: number }> => {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const bytes = Address.ipBytes(bracketed ?? plain ?? "")
  const isWritten = bracketed === undefined ? bytes?.length === 4 : bracketed.includes(":")
  return bytes === undefined || !isWritten || Number(port) > 65_535
    ? Option.none()
    : Option.some({ host: bracketed ?? plain ?? "", port: Number(port) })
}

/** What an address to bind looks like. */
export const BIND_EXPECTED = "IP:PORT, such as 0.0.0.0:7946 or [::]:7946"

/**
 * Whether an agent could listen for commands there: an IP address or a name, and a port.
 *
 * @category guards
 * @since 0.1.0
 */
export const isListenAddress = (text: string): boolean => {
  const seed = SeedText.hasPort(text) ? SeedText.parse(text, 0) : undefined
  return seed !== undefined && seed.name === undefined
}
