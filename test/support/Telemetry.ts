/** What a test sees of metrics, logs and spans: each test has its own. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

/** One log entry. */
export interface Logged {
  readonly level: LogLevel.LogLevel
  readonly text: string
  readonly annotations: Readonly<Record<string, unknown>>
  readonly cause: Cause.Cause<unknown>
}

/** Runs a test with a logger that keeps everything the library logs, from `minimum` on. */
export const logging = <A, E, R>(
  body: (log: ReadonlyArray<Logged>) => Effect.Effect<A, E, R>,
  minimum: LogLevel.LogLevel = "Info"
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const log: Array<Logged> = []
    const logger = Logger.make<unknown, void>(({ cause, fiber, logLevel, message }) => {
      const [text] = Array.isArray(message) ? message : [message]
      const annotations = fiber.getRef(References.CurrentLogAnnotations)
      log.push({ level: logLevel, text: String(text), annotations, cause })
    })
    return body(log).pipe(
      Effect.provideService(Logger.CurrentLoggers, new Set([logger])),
      Effect.provideService(References.MinimumLogLevel, minimum)
    )
  })

/** The entries of a text. */
export const entries = (log: ReadonlyArray<Logged>, text: string | RegExp): ReadonlyArray<Logged> =>
  log.filter((logged) => typeof text === "string" ? logged.text.includes(text) : text.test(logged.text))

type Labels = Readonly<Record<string, string>>

/** Reads one registry. */
export interface Read {
  /** The state of the series with this name and, among others, these attributes. */
  readonly series: (name: string, labels?: Labels) => Metric.Metric.Snapshot | undefined
  /** A counter's total, or a gauge's value; 0 where there is none. */
  readonly number: (name: string, labels?: Labels) => number
  /** A histogram's state. */
  readonly histogram: (name: string, labels?: Labels) => Metric.HistogramState | undefined
  readonly all: () => ReadonlyArray<Metric.Metric.Snapshot>
}

/** Runs a test with a metric registry of its own. */
export const measuring = <A, E, R>(body: (read: Read) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const registry: Metric.MetricRegistry = new Map()
    return Effect.flatMap(
      Effect.provideService(Effect.context<never>(), Metric.MetricRegistry, registry),
      (context) => {
        const all = () => Metric.snapshotUnsafe(context)
        const series = (name: string, labels: Labels = {}) =>
          all().find(({ attributes, id }) =>
            id === name && Object.entries(labels).every(([key, value]) => attributes?.[key] === value)
          )
        return Effect.provideService(
          body({
            all,
            series,
            number: (name, labels) => {
              const found = series(name, labels)
              return found?.type === "Counter" ? Number(found.state.count) : found?.type === "Gauge"
                ? Number(found.state.value)
                : 0
            },
            histogram: (name, labels) => {
              const found = series(name, labels)
              return found?.type === "Histogram" ? found.state : undefined
            }
          }),
          Metric.MetricRegistry,
          registry
        )
      }
    )
  })

/** Runs a test with a tracer that keeps every span. */
export const tracing = <A, E, R>(
  body: (spans: ReadonlyArray<Tracer.NativeSpan>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return Effect.provideService(body(spans), Tracer.Tracer, tracer)
  })

/** The spans of a name, in the order they began. */
export const named = (spans: ReadonlyArray<Tracer.NativeSpan>, name: string): ReadonlyArray<Tracer.NativeSpan> =>
  spans.filter((span) => span.name === name)

export const parentOf = (span: Tracer.NativeSpan): string | undefined =>
  Option.getOrUndefined(Option.map(span.parent, ({ spanId }) => spanId))

/** Whether a span has ended well, badly, or not at all. */
export const endOf = ({ status }: Tracer.NativeSpan): "success" | "failure" | "open" =>
  status._tag === "Started" ? "open" : Exit.isSuccess(status.exit) ? "success" : "failure"
