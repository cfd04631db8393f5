# Paired calls, Brier parts, smooth calibration, net benefit, drift, stability, more than two classes.
# McNemar: base R binom.test. Spline: Hmisc rcspline.eval (what rms rcs uses) in glm. M: pROC multiclass.roc on pairs, Wilcoxon counts.
# dcurves, PropCIs, CalibrationCurves, stabm and DescTools are not in Debian: those parts are written here from the papers,
# by another way than in exodx, and say so.
source("write_golden.R")
suppressPackageStartupMessages({library(rms); library(pROC); library(metafor)})
set.seed(20261122)

# Tango 1998: the score test inverted, the constrained likelihood maximised numerically (exodx solves its quadratic).
tango <- function(b, c, n, level = .95) {
  z <- qnorm(1 - (1 - level) / 2)
  statistic <- function(delta) {
    loglik <- function(q) b * log(pmax(q + delta, 1e-300)) + c * log(pmax(q, 1e-300)) + (n - b - c) * log(pmax(1 - 2 * q - delta, 1e-300))
    q <- optimise(loglik, c(max(0, -delta), (1 - delta) / 2), maximum = TRUE, tol = 1e-14)$maximum
    (b - c - n * delta) / sqrt(n * (2 * q + delta - delta^2))
  }
  d <- (b - c) / n
  c(uniroot(function(x) statistic(x) - z, c(-1 + 1e-6, d - 1e-6), tol = 1e-12)$root,
    uniroot(function(x) statistic(x) + z, c(d + 1e-6, 1 - 1e-6), tol = 1e-12)$root)
}
pairs <- lapply(list(c(1, 7, 21), c(12, 5, 60), c(5, 0, 10), c(30, 28, 400)), function(k)
  list(only_a = k[1], only_b = k[2], n = k[3], p = binom.test(k[1], k[1] + k[2])$p.value, interval = tango(k[1], k[2], k[3])))

n <- 1200
margin <- rnorm(n, 0, 1.3); y <- rbinom(n, 1, plogis(.3 + .8 * margin - .15 * margin^2)); p <- plogis(margin)
spline <- function(k) {
  places <- quantile(margin, list("3" = c(.1, .5, .9), "4" = c(.05, .35, .65, .95), "5" = c(.05, .275, .5, .725, .95))[[as.character(k)]])
  basis <- Hmisc::rcspline.eval(margin, knots = places, inclx = TRUE)
  line <- predict(glm(y ~ basis, family = binomial, control = glm.control(epsilon = 1e-14, maxit = 100)), se.fit = TRUE)
  observed <- unname(plogis(line$fit))
  list(knots = k, observed = observed[1:20],
       lower = unname(plogis(line$fit - qnorm(.975) * line$se.fit)[1:20]),
       eci = 100 * mean((p - observed)^2), eavg = mean(abs(p - observed)), emax = max(abs(p - observed)))
}
curve <- list(y = y, p = p, fits = lapply(3:5, spline), scaled_brier = unname(val.prob(p, y, pl = FALSE)["Brier"]))
curve$scaled_brier <- 1 - curve$scaled_brier / (mean(y) * (1 - mean(y)))

# Murphy 1973 by cut() at ten equal counts (no ties here); O:E interval by metafor's escalc of a log proportion.
bin <- cut(rank(p), seq(0, n, length.out = 11), labels = FALSE)
nk <- tapply(y, bin, length); ok <- tapply(y, bin, mean); pk <- tapply(p, bin, mean)
brier <- list(reliability = sum(nk * (pk - ok)^2) / n, resolution = sum(nk * (ok - mean(y))^2) / n, uncertainty = mean(y) * (1 - mean(y)))
oe <- escalc(measure = "PLN", xi = sum(y), ni = n)
oe <- list(value = sum(y) / sum(p), interval = sum(y) / sum(p) * exp(c(-1, 1) * qnorm(.975) * sqrt(as.numeric(oe$vi))))

# Net benefit and interventions avoided from counts reweighted to a prevalence (dcurves' definition).
cuts <- c(.05, .1, .25, .5, .8); rate <- .1
w <- ifelse(y == 1, rate / mean(y), (1 - rate) / (1 - mean(y)))
shifted <- plogis(qlogis(p) + qlogis(rate) - qlogis(.5))
nb <- sapply(cuts, function(t) (sum(w * (shifted >= t & y == 1)) - sum(w * (shifted >= t & y == 0)) * t / (1 - t)) / n)
all <- sapply(cuts, function(t) (sum(w * (y == 1)) - sum(w * (y == 0)) * t / (1 - t)) / n)
benefit <- list(p = shifted, thresholds = cuts, prevalence = rate, model = nb, all = all, avoided = 100 * (nb - all) / (cuts / (1 - cuts)))

# Recalibration by glm.
tight <- glm.control(epsilon = 1e-14, maxit = 100)
recalibration <- list(intercept = unname(coef(glm(y ~ offset(qlogis(p)), family = binomial, control = tight))),
                      slope = unname(coef(glm(y ~ qlogis(p), family = binomial, control = tight))),
                      p_slope_and_intercept = anova(glm(y ~ offset(qlogis(p)) - 1, family = binomial), glm(y ~ qlogis(p), family = binomial, control = tight), test = "LRT")[2, "Pr(>Chi)"])

# Drift: ks.test with p.adjust; the shares of the PSI from findInterval.
old <- cbind(rnorm(80), rnorm(80), rexp(80)); new <- cbind(rnorm(40, .8), rnorm(40), rexp(40))
ks <- lapply(1:3, function(j) ks.test(old[, j], new[, j], exact = TRUE))
edges <- quantile(old[, 1], 1:9 / 10)
share <- function(x) pmax(tabulate(findInterval(x, edges, left.open = TRUE) + 1, 10) / length(x), 1e-4)
a <- share(old[, 1]); b <- share(new[, 1])
drift <- list(reference = old, new = new, distance = sapply(ks, function(k) unname(k$statistic)), p = sapply(ks, function(k) k$p.value),
              holm = p.adjust(sapply(ks, function(k) k$p.value), "holm"), psi = sum((b - a) * log(b / a)))

# Nogueira 2018: stability as Fleiss' kappa over features, its variance by the delete-free sums of the paper, in loops.
z <- matrix(rbinom(20 * 12, 1, rep(c(.9, .8, .7, .1, .1, .1, .1, .3, .05, .05, .2, .1), each = 20)), 20)
M <- nrow(z); d <- ncol(z); k <- rowSums(z); kb <- mean(k); f <- colMeans(z); phi <- 1 - mean(M / (M - 1) * f * (1 - f)) / (kb / d * (1 - kb / d))
part <- sapply(1:M, function(i) (sum(z[i, ] * f) / d - k[i] * kb / d^2 + phi / 2 * (2 * k[i] * kb / d^2 - k[i] / d - kb / d + 1)) / (kb / d * (1 - kb / d)))
selection <- list(selected = z, value = phi, variance = 4 / M^2 * sum((part - mean(part))^2))

# Hand and Till: each pair by pROC, both directions; one against the rest by pROC.
m <- 150; truth <- sample(c("a", "b", "c"), m, TRUE, c(.5, .3, .2))
raw <- exp(matrix(rnorm(m * 3), m) + 1.2 * outer(truth, c("a", "b", "c"), "==")); prob <- raw / rowSums(raw); colnames(prob) <- c("a", "b", "c")
one <- function(cl, other) { here <- truth %in% c(cl, other); as.numeric(auc(truth[here] == cl, prob[here, cl], direction = "<", quiet = TRUE)) }
grid <- subset(expand.grid(i = c("a", "b", "c"), j = c("a", "b", "c"), stringsAsFactors = FALSE), i != j)
multiclass <- list(y = truth, p = unname(prob), hand_till = mean(mapply(one, grid$i, grid$j)),
                   rest = sapply(c("a", "b", "c"), function(cl) as.numeric(auc(truth == cl, prob[, cl], direction = "<", quiet = TRUE)), USE.NAMES = FALSE),
                   log_loss = -mean(log(prob[cbind(1:m, match(truth, colnames(prob)))])),
                   brier = mean(rowSums((prob - outer(truth, c("a", "b", "c"), "=="))^2)))

# Within-subject standard deviation: aov; interval from qchisq.
who <- rep(1:15, times = rep(c(2, 3, 1), 5)); value <- rnorm(15)[who] + rnorm(length(who), 0, .3)
fit <- summary(aov(value ~ factor(who)))[[1]]
within <- list(values = value, groups = who, sd = sqrt(fit[2, "Mean Sq"]), interval = sqrt(fit[2, "Sum Sq"] / qchisq(c(.975, .025), fit[2, "Df"])))

write_golden(list(pairs = pairs, curve = curve, brier = brier, observed_expected = oe, benefit = benefit, recalibration = recalibration,
                  drift = drift, selection = selection, multiclass = multiclass, within = within),
             "utility.json", c("rms", "pROC", "metafor", "jsonlite"))
