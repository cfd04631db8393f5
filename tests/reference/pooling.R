# DerSimonian-Laird with the Hartung-Knapp test from metafor: "knha" is without the floor, "adhoc" with max(1, q).
source("write_golden.R")
suppressPackageStartupMessages(library(metafor))
set.seed(20260803)

pool <- function(yi, sei) {
  plain <- rma(yi, sei = sei, method = "DL", test = "knha")
  floored <- rma(yi, sei = sei, method = "DL", test = "adhoc")
  reach <- qt(0.975, length(yi) - 2) * sqrt(floored$tau2 + floored$se^2) # Higgins 2009: k - 2 degrees of freedom
  list(
    values = yi, standard_errors = sei,
    mean = as.numeric(floored$beta), tau2 = floored$tau2,
    se_knha = plain$se, se = floored$se, ci = c(floored$ci.lb, floored$ci.ub),
    prediction = as.numeric(floored$beta) + c(-1, 1) * reach
  )
}
sei <- function(k) round(runif(k, 0.15, 0.6), 3)
cases <- list(
  pool(round(rnorm(6, 1.5, 0.6), 3), sei(6)),   # sites differ
  pool(round(rnorm(9, 1.5, 0.05), 3), sei(9)),  # sites agree: tau2 is 0 and the floor acts
  pool(c(0.4, 1.9, 1.2), c(0.2, 0.3, 0.25)),
  pool(c(2.9, 0.6, 0.8, 0.7, 0.75), c(0.55, 0.1, 0.12, 0.1, 0.15)) # the residual mean square is above 1
)
write_golden(list(cases = cases), "pooling.json", c("metafor", "jsonlite"))
