# Recalibration slope, calibration-in-the-large and Brier score from rms::val.prob and glm; weighted fits from glm.
source("write_golden.R")
suppressPackageStartupMessages(library(rms))
set.seed(20260802)
tight <- glm.control(epsilon = 1e-14, maxit = 100)

study <- function(n, slope, shift) {
  margin <- rnorm(n, -0.5, 1.4)
  y <- rbinom(n, 1, plogis(shift + slope * margin))
  p <- plogis(margin)
  joint <- glm(y ~ qlogis(p), family = binomial, control = tight)
  large <- glm(y ~ offset(qlogis(p)), family = binomial, control = tight)
  val <- val.prob(p, y, pl = FALSE)
  list(
    y = y, p = p,
    slope = unname(coef(joint)[2]), slope_ci = unname(confint.default(joint)[2, ]),
    intercept = unname(coef(large)), intercept_ci = as.numeric(confint.default(large)),
    val_prob_slope = unname(val["Slope"]), val_prob_brier = unname(val["Brier"])
  )
}
studies <- list(study(150, 1, 0), study(90, 0.5, 0.8), study(60, 1.6, -0.7))

n <- 80
x <- cbind(1, rnorm(n), rexp(n))
y <- rbinom(n, 1, plogis(drop(x %*% c(-0.4, 0.9, 0.3))))
weights <- sample(0:3, n, replace = TRUE)
offset <- rnorm(n, 0, 0.5)
fit <- glm(y ~ x - 1, family = binomial, weights = weights, offset = offset, control = tight)
weighted <- list(x = x, y = y, weights = weights, offset = offset,
                 coef = unname(coef(fit)), covariance = unname(vcov(fit)))
write_golden(list(studies = studies, weighted = weighted), "calibration.json", c("rms", "jsonlite"))
