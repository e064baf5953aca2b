"""Light in closed form: uniform surroundings, a lamp overhead, convex shapes without shadows."""

import math

import pytest
import torch

from augment.geometry.mesh import vertex_normals
from augment.render.light import Lamp, Lighting, draw_lighting, irradiance
from augment.render.reflect import Lit, gloss, lambert, soft_skin, unit
from augment.render.visibility import Visibility, find_visibility, spiral_directions
from augment.streams import stream

WHITE = ((1.0, 1.0, 1.0),)
NO_AMBIENT = (*(((0.0, 0.0, 0.0),) * 9),)


def lit_sphere(n=400):
    """Return points all around a sphere under one lamp from above, seen from above."""
    normal = torch.from_numpy(spiral_directions(n)).float().T
    up = torch.tensor([[0.0, 0.0, 1.0]])
    return Lit(
        normal=normal,
        view=up.T.expand(3, n).contiguous(),
        lamps=up,
        colours=torch.ones(1, 3),
        unhidden=torch.ones(1, n),
        ambient=torch.zeros(3, n),
        openness=torch.ones(n),
    )


def test_uniform_surroundings_light_every_side_alike():
    lighting = Lighting((), ((0.4, 0.5, 0.6), *NO_AMBIENT[1:]))
    normals = torch.from_numpy(spiral_directions(50)).float().T
    light = irradiance(lighting, torch.eye(3), normals)
    assert torch.allclose(light, torch.tensor([[0.4], [0.5], [0.6]]).expand(3, 50), atol=1e-6)


def test_surroundings_turn_with_the_camera():
    lighting = draw_lighting(stream(0, 0, "light"))
    normals = torch.from_numpy(spiral_directions(50)).float().T
    angle = 0.7
    turn = torch.tensor(
        [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]]
    )
    turned = irradiance(lighting, turn, turn @ normals)
    assert torch.allclose(turned, irradiance(lighting, torch.eye(3), normals), atol=1e-5)


def test_white_matt_surface_shows_the_cosine():
    lit = lit_sphere()
    radiance = lambert(lit, torch.ones(3, 400))
    assert torch.allclose(radiance[0], lit.normal[2].clamp_min(0.0), atol=1e-6)


def test_skin_lets_red_reach_further_into_shade_than_blue():
    lit = lit_sphere()
    radiance = soft_skin(lit, lit.normal, torch.ones(3, 400))
    shade = (lit.normal[2] < 0.0) & (lit.normal[2] > -0.05)
    assert (radiance[0] > radiance[2])[shade].all()
    assert (radiance[:, lit.normal[2] < -0.4] == 0).all()


def test_gloss_is_brightest_where_it_mirrors_the_lamp_and_never_negative():
    lit = lit_sphere()
    for roughness in (0.25, 0.5, 0.8):
        shine = gloss(lit, roughness, 0.03)
        assert (shine >= 0).all()
        assert lit.normal[2, shine[0].argmax()] > 0.98
    assert gloss(lit, 0.25, 0.03).max() > gloss(lit, 0.8, 0.03).max()


def test_lamps_have_unit_directions_and_are_drawn_alike_from_one_stream():
    for k in range(20):
        lighting = draw_lighting(stream(0, k, "light"))
        assert lighting == draw_lighting(stream(0, k, "light"))
        for lamp in lighting.lamps:
            assert isinstance(lamp, Lamp)
            assert sum(x * x for x in lamp.direction) == pytest.approx(1.0)
            assert min(lamp.colour) > 0


def sphere_mesh(radius=100.0):
    from augment.morphable.template import globe

    points, faces, _ = globe(torch.zeros(3).numpy(), 1.0)
    vertices = unit(torch.from_numpy(points).float().T).T * radius
    return vertices.contiguous(), torch.from_numpy(faces)


def test_a_sphere_hides_nothing_of_its_sky():
    vertices, faces = sphere_mesh()
    seen = find_visibility(vertices, vertex_normals(vertices, faces), faces)
    assert isinstance(seen, Visibility)
    assert seen.openness.min() > 0.93  # grazing directions meet facets
    assert (seen.towards(torch.tensor([[0.0, 0.0, 1.0]])) <= 1.0 + 1e-6).all()


def test_the_inside_of_a_sphere_sees_no_sky():
    vertices, faces = sphere_mesh()
    inward = -vertex_normals(vertices, faces)
    assert find_visibility(vertices, inward, faces).openness.max() < 0.05


def test_a_flash_lights_the_face_from_beside_the_lens():
    for k in range(50):
        right, up, towards = draw_lighting(stream(0, k, "light"), "flash").lamps[0].direction
        assert math.degrees(math.asin(up)) <= 28
        assert abs(math.degrees(math.atan2(right, towards))) <= 22
