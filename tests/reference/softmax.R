# Calibration of several classes by one slope and an intercept each: a conditional logit, fitted as a stratified Cox model.
# Platt's smoothed targets enter as weights: each specimen once for every class it could have been.
source("write_golden.R")
suppressMessages(library(survival))
set.seed(20261122)

n <- 90; names <- c("a", "b", "c", "d"); K <- length(names)
truth <- sample(names, n, TRUE, c(.45, .3, .15, .1))
margins <- matrix(rnorm(n * K), n) + 1.5 * outer(truth, names, "==") - 1
size <- table(factor(truth, names))[truth]
targets <- (outer(truth, names, "==") * as.numeric(size) + 1) / (as.numeric(size) + K)

rows <- expand.grid(alternative = 1:K, chosen = 1:K, specimen = 1:n)
rows$margin <- margins[cbind(rows$specimen, rows$alternative)]
rows$weight <- targets[cbind(rows$specimen, rows$chosen)]
rows$event <- as.integer(rows$alternative == rows$chosen)
rows$stratum <- interaction(rows$specimen, rows$chosen)
for (k in 2:K) rows[[paste0("b", k)]] <- as.integer(rows$alternative == k)
fit <- coxph(Surv(rep(1, nrow(rows)), event) ~ margin + b2 + b3 + b4 + strata(stratum), data = rows, weights = weight,
             ties = "breslow", control = coxph.control(eps = 1e-13, iter.max = 50, toler.chol = 1e-14))
b <- c(0, unname(coef(fit)[2:K]))
write_golden(list(classes = truth, margins = margins, slope = unname(coef(fit)[1]), intercepts = b - mean(b)),
             "softmax.json", c("survival", "jsonlite"))
