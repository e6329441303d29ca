import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./avro.js";

conform(t, connector);
