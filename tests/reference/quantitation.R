# Standard curves (base R lm) and left-censored concentrations (survreg; plotting positions written from Helsel and Cohn 1988).
source("write_golden.R")
suppressPackageStartupMessages(library(survival))
set.seed(20260903)

curve <- function(x, y) {
  fit <- lm(y ~ x); ci <- confint(fit)["x", ]
  list(x = x, ct = y, slope = coef(fit)[["x"]], intercept = coef(fit)[["(Intercept)"]], r2 = summary(fit)$r.squared,
       efficiency = 10^(-1 / coef(fit)[["x"]]), interval = as.numeric(10^(-1 / ci)))
}
x <- rep(1:6, each = 3)
curves <- list(curve(x, round(37 - 3.35 * x + rnorm(18, 0, 0.1), 2)), curve(x, round(36 - 3.9 * x + rnorm(18, 0, 0.2), 2)),
               curve(c(0, 1, 2, 3), c(30.1, 26.9, 23.2, 20.05)))

exceedance <- function(measured, limits) { # the distribution function at each measured value, one threshold after the other
  thresholds <- sort(unique(limits))
  if (any(measured < min(thresholds))) thresholds <- c(-Inf, thresholds)
  pe <- numeric(length(thresholds) + 1)
  for (j in rev(seq_along(thresholds))) {
    upper <- if (j < length(thresholds)) thresholds[j + 1] else Inf
    a <- sum(measured >= thresholds[j] & measured < upper)
    b <- sum(measured < thresholds[j]) + sum(limits <= thresholds[j])
    pe[j] <- pe[j + 1] + a / (a + b) * (1 - pe[j + 1])
  }
  sapply(measured, function(value) {
    j <- max(which(thresholds <= value))
    upper <- if (j < length(thresholds)) thresholds[j + 1] else Inf
    peers <- sort(measured[measured >= thresholds[j] & measured < upper])
    (1 - pe[j]) + match(value, peers) / (length(peers) + 1) * (pe[j] - pe[j + 1])
  })
}
censored <- function(y, limits) {
  below <- y < limits; shown <- ifelse(below, limits, y)
  fit <- survreg(Surv(shown, !below, type = "left") ~ 1, dist = "gaussian", control = list(rel.tolerance = 1e-14, maxiter = 200))
  mean <- coef(fit)[[1]]; sd <- fit$scale; at <- unique(limits)
  tail <- sapply(at, function(limit) integrate(function(v) v * dnorm(v, mean, sd), -Inf, limit, rel.tol = 1e-12)$value /
                                      pnorm(limit, mean, sd))
  line <- lm(shown[!below] ~ qnorm(exceedance(shown[!below], limits[below])))
  list(values = shown, censored = below, limits = limits, mean = mean, sd = sd, at = at, below = tail,
       ros_mean = coef(line)[[1]], ros_sd = coef(line)[[2]])
}
draw <- function(n, mean, sd) round(rnorm(n, mean, sd), 6)
sets <- list(
  censored(draw(40, 3, 1.2), rep(2.4, 40)),                       # one limit, a third below
  censored(draw(60, 5, 2), sample(c(3, 4, 5.5), 60, TRUE)),       # three limits, values between them
  censored(draw(25, 0, 1), rep(1, 25)),                           # most below
  censored(draw(30, 8, 1), rep(c(5.5, 7.5), 15))
)
write_golden(list(curves = curves, sets = sets), "quantitation.json", c("survival", "jsonlite"))
