/** A child process that measures how messages reach one cluster after the other. */
import { serve } from "../running/Worker.ts"
import { measure } from "./measure.ts"

serve(measure)
