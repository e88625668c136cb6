/** A child process that runs one hard case after the other. */
import { serve } from "../running/Worker.ts"
import { measure } from "./measure.ts"

serve(measure)
