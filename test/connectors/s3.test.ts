import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./s3.js";

conform(t, connector);
